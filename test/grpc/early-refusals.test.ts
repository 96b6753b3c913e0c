// Early refusals: calls with wrong signatures are refused by their headers, with the same answer; others are not affected.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { createSuspects } from '../../src/grpc/interceptors/suspects.ts';
import { actingAs } from '../api.ts';
import { readMetrics, sumOf } from '../ops/ops-client.ts';
import { type Stack, startStack } from '../stack.ts';

const ANNA = 9871;
const BALANCE = '/wallet.v1.WalletService/GetBalance';
const NOTHING = Buffer.alloc(0);
/** More than any message of these calls may have: grpc-js refuses it before a signature is checked. */
const TOO_LARGE = Buffer.alloc(70_000);
let stack: Stack;
let forger: SigningKey;

before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA]);
  forger = { ...stack.key, secret: Buffer.alloc(32, 1) } as SigningKey;
});
after(() => stack.stop());

/** Calls over one connection. An answer is `OK`, or the whole refusal as JSON. */
function connection() {
  const client = new Client(stack.grpcAddress, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const asIs = (message: Buffer) => message;
  const call = (
    key: SigningKey,
    body: Buffer = NOTHING,
    more: Record<string, string> = {},
    signedBody: Buffer = body,
  ) => {
    const metadata = new Metadata();
    const identity = actingAs(ANNA);
    const headers = signedHeaders({ method: 'POST', target: BALANCE, body: signedBody }, identity, key);
    for (const [name, value] of Object.entries({ ...headers, ...more })) metadata.set(name, value);
    const options = { deadline: Date.now() + 30_000 };
    return new Promise<string>((resolve) => {
      client.makeUnaryRequest(BALANCE, asIs, asIs, body, metadata, options, (error) => {
        if (!error) return resolve('OK');
        const { status, code, reason, message } = new PpuriError(error);
        const details = error.metadata
          .get('grpc-status-details-bin')
          .map((bytes) => bytes.toString('base64'));
        const requestId = error.metadata.get('x-request-id');
        return resolve(JSON.stringify({ status, code, reason, message, details, requestId }));
      });
    });
  };
  return { call, close: () => client.close() };
}

async function refusedCalls(): Promise<number> {
  const samples = await readMetrics(`http://127.0.0.1:${stack.app.opsPort}`);
  const reason = { reason: 'AUTHENTICATION_FAILED' };
  return sumOf(samples, 'ppuri_rpc_errors_total', reason);
}

test('after ten wrong signatures calls are refused by their headers, with the same answer and the same metrics', async () => {
  const { call, close } = connection();
  const asked = { 'x-request-id': 'a-request', 'accept-language': 'ko' };
  const first = await call(forger, NOTHING, asked);
  assert.match(first, /AUTHENTICATION_FAILED/);
  assert.match(await call(forger, TOO_LARGE), /MESSAGE_TOO_LARGE/);
  const before = await refusedCalls();
  await Promise.all(Array.from({ length: 30 }, () => call(forger)));
  assert.match(await call(forger, TOO_LARGE), /AUTHENTICATION_FAILED/);
  assert.equal(await call(forger, NOTHING, asked), first);
  assert.equal((await refusedCalls()) - before, 32);
  close();
});

test('a valid signature is served meanwhile, over the same connection and from the same address', async () => {
  const [theirs, mine] = [connection(), connection()];
  const forged = Array.from({ length: 500 }, () => theirs.call(forger));
  const served = [mine, theirs, mine, theirs].map(({ call }) => call(stack.key));
  assert.deepEqual(await Promise.all(served), ['OK', 'OK', 'OK', 'OK']);
  assert.deepEqual(
    (await Promise.all(forged)).filter((answer) => !answer.includes('AUTHENTICATION_FAILED')),
    [],
  );
  theirs.close();
  mine.close();
});

test('a body that is not the signed one is refused although the headers are valid', async () => {
  const { call, close } = connection();
  await Promise.all(Array.from({ length: 30 }, () => call(forger)));
  assert.match(await call(stack.key, Buffer.from([8, 1]), {}, Buffer.from([8, 2])), /AUTHENTICATION_FAILED/);
  assert.equal(await call(stack.key), 'OK');
  close();
});

test('suspects: above a burst of ten wrong signatures, one of which is forgotten each second', () => {
  let now = 0;
  const suspects = createSuspects(() => now);
  assert.equal(suspects.isAny, false);
  for (let count = 0; count < 10; count++) {
    assert.equal(suspects.has('a'), false);
    suspects.add('a');
  }
  assert.deepEqual([suspects.has('a'), suspects.has('b'), suspects.isAny], [true, false, true]);
  now += 1_000_000;
  assert.equal(suspects.has('a'), false);
  for (let count = 0; count < 1000; count++) suspects.add('a');
  now += 10_000_000;
  assert.deepEqual([suspects.has('a'), suspects.isAny], [false, false]);
});
