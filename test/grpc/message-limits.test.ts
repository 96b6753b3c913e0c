// Compressed and oversized messages are refused before they are inflated, stored or authenticated.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { after, before, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Client, type ClientOptions, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import { BatchCreateTransfersRequest, BatchMode } from '../../gen/ts/wallet/v2/transfer_service.ts';
import {
  MAX_LABEL_VALUE_BYTES,
  MAX_LABELS_OF_REQUEST,
  MAX_REFERENCE_LENGTH,
} from '../../src/domain/annotation.ts';
import { CONTRACTS } from '../../src/grpc/contracts.ts';
import { type Stack, startStack } from '../stack.ts';

let stack: Stack;
before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

const TRANSFER = '/wallet.v2.TransferService/CreateTransfer';
const BATCH = '/wallet.v2.TransferService/BatchCreateTransfers';

async function call(path: string, bytes: Buffer, options: ClientOptions = {}): Promise<ServiceError> {
  const client = new Client(stack.grpcAddress, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    ...options,
  });
  const asIs = (message: Buffer) => message;
  try {
    return await new Promise((resolve, reject) => {
      const deadline = Date.now() + 30_000;
      client.makeUnaryRequest(path, asIs, asIs, bytes, new Metadata(), { deadline }, (error) =>
        error ? resolve(error) : reject(new Error('the call was answered OK')),
      );
    });
  } finally {
    client.close();
  }
}

const reasonOf = (error: ServiceError) => PpuriError.ofGrpc(error).reason;

test('gzip and deflate are refused, and the answer names the accepted encoding', async () => {
  const bomb = Buffer.alloc(512 * 1024);
  assert.ok(gzipSync(bomb).length < 1024 && gunzipSync(gzipSync(bomb)).length === bomb.length);
  for (const algorithm of [1, 2]) {
    const options = { 'grpc.default_compression_algorithm': algorithm };
    for (const bytes of [bomb, Buffer.from([8, 1])]) {
      const error = await call(TRANSFER, bytes, options);
      assert.deepEqual([error.code, reasonOf(error)], [status.UNIMPLEMENTED, 'COMPRESSION_NOT_SUPPORTED']);
      assert.deepEqual(error.metadata.get('grpc-accept-encoding'), ['identity']);
    }
  }
});

test('an answered call names the accepted encoding too', async () => {
  // grpc-js takes this header out of what its clients see.
  const session = connect(`http://${stack.grpcAddress}`);
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.end(Buffer.alloc(5));
    const [headers] = await once(stream, 'response');
    assert.deepEqual([headers[':status'], headers['grpc-accept-encoding']], [200, 'identity']);
  } finally {
    session.destroy();
  }
});

test('a message that is longer than its contract allows is refused', async () => {
  for (const [path, length] of [
    [TRANSFER, 90 * 1024],
    [BATCH, 3300 * 1024],
    ['/grpc.health.v1.Health/Check', 17 * 1024],
    ['/wallet.v1.WalletService/Nothing', 17 * 1024],
  ] as const) {
    const error = await call(path, Buffer.alloc(length));
    assert.deepEqual([error.code, reasonOf(error)], [status.RESOURCE_EXHAUSTED, 'MESSAGE_TOO_LARGE'], path);
  }
  assert.equal(reasonOf(await call(TRANSFER, Buffer.alloc(63 * 1024))), 'AUTHENTICATION_FAILED');
});

test('refused messages, however many, do not close a shared connection', {
  timeout: 120_000,
}, async () => {
  const asIs = (message: Buffer) => message;
  for (const [algorithm, length, refused] of [
    [2, 20_000, status.UNIMPLEMENTED],
    [0, 100_000, status.RESOURCE_EXHAUSTED],
  ] as const) {
    const client = new Client(stack.grpcAddress, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.default_compression_algorithm': algorithm,
    });
    // What chance makes is not compressed to less.
    const bytes = randomBytes(length);
    const codeOf = () =>
      new Promise<number>((resolve) => {
        const deadline = Date.now() + 60_000;
        client.makeUnaryRequest(TRANSFER, asIs, asIs, bytes, new Metadata(), { deadline }, (error) =>
          resolve(error?.code ?? status.OK),
        );
      });
    const seen = new Set<number>();
    for (let sent = 0; sent < 1920; sent += 64) {
      for (const code of await Promise.all(Array.from({ length: 64 }, codeOf))) seen.add(code);
    }
    client.close();
    assert.deepEqual([...seen], [refused]);
  }
});

test('the longest valid request is within the limit', async () => {
  const id = '3f1c9c52-6d5e-4d0b-9a3e-0c6d2f5a7b11';
  const item = {
    debitWalletId: id,
    destination: { $case: 'creditWalletId' as const, value: id },
    amount: { currencyCode: 'KRW', minorUnits: 2n ** 53n - 1n },
    memo: '\u{1f600}'.repeat(200),
    reference: 'r'.repeat(MAX_REFERENCE_LENGTH),
    labels: [1, 2, 3, 4, 5].map((n) => ({
      key: `k${n}`.padEnd(64, 'k'),
      value: 'v'.repeat(MAX_LABEL_VALUE_BYTES),
    })),
  };
  const bytes = Buffer.from(
    BatchCreateTransfersRequest.encode({ items: Array(1000).fill(item), mode: BatchMode.EACH }).finish(),
  );
  assert.equal(item.labels.length * 1000, MAX_LABELS_OF_REQUEST);
  assert.ok(bytes.length > 2_600_000, String(bytes.length));
  assert.deepEqual(CONTRACTS.get(BATCH)?.validate(bytes), []);
  assert.equal(reasonOf(await call(BATCH, bytes)), 'AUTHENTICATION_FAILED');
});
