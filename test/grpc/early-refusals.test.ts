// Early refusals: calls with wrong signatures are refused by their headers, with the same answer; others are not affected.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { createSuspects } from '../../src/grpc/interceptors/wrong-signatures.ts';
import { actingAs } from '../api.ts';
import { readMetrics, sumOf } from '../runtime/ops-client.ts';
import { type Stack, startStack } from '../stack.ts';
import { newTraceparent } from '../tracing/paying.ts';
import { until } from '../until.ts';

const ANNA = 9871;
const BALANCE = '/wallet.v1.WalletService/GetBalance';
const NOTHING = Buffer.alloc(0);
/** More than any message of these calls may have: grpc-js refuses it before a signature is checked. */
const TOO_LARGE = Buffer.alloc(70_000);
let stack: Stack;
let forger: SigningKey;

before(async () => {
  // Each call that was not let in is a line then.
  stack = await startStack({ env: { LOG_LEVEL: 'debug' } });
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
        const { status, code, reason, message } = PpuriError.ofGrpc(error);
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

/**
 * Sends wrong signatures until a message that is too large, sent with the headers `more`, is refused by its headers.
 * Returns the number of wrong signatures with small messages. One is forgotten each second, which a busy machine takes for
 * fewer calls than are sent at a time.
 */
async function untilSuspected(
  call: ReturnType<typeof connection>['call'],
  more: Record<string, string> = {},
): Promise<number> {
  let sent = 0;
  await until('a message that is too large is refused by its headers', async () => {
    await Promise.all(Array.from({ length: 30 }, () => call(forger)));
    sent += 30;
    return /AUTHENTICATION_FAILED/.test(await call(forger, TOO_LARGE, more));
  });
  return sent;
}

/** Waits until a log names a trace. */
const untilNamed = (log: string, traceId: string) =>
  until(`${log} names the trace`, () =>
    readFileSync(join(stack.logDir, log), 'utf8').includes(`"trace.id":"${traceId}"`),
  );

test('after ten wrong signatures calls are refused by their headers, with the same answer and the same metrics', async () => {
  const { call, close } = connection();
  const { traceId, traceparent } = newTraceparent();
  const asked = { 'x-request-id': 'a-request', 'accept-language': 'ko', traceparent };
  const first = await call(forger, NOTHING, asked);
  assert.match(first, /AUTHENTICATION_FAILED/);
  assert.match(await call(forger, TOO_LARGE), /MESSAGE_TOO_LARGE/);
  const before = await refusedCalls();
  const sent = await untilSuspected(call);
  assert.equal(await call(forger, NOTHING, asked), first);
  assert.equal((await refusedCalls()) - before, sent + 2);
  close();
  await untilNamed('audit.log', traceId);
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

test('the log names the trace of a call that was refused by its headers', async () => {
  const { call, close } = connection();
  const { traceId, traceparent } = newTraceparent();
  await untilSuspected(call, { traceparent });
  close();
  await untilNamed('app.log', traceId);
});

test('a body that is not the signed one is refused although the headers are valid', async () => {
  const { call, close } = connection();
  await untilSuspected(call);
  assert.match(await call(stack.key, Buffer.from([8, 1]), {}, Buffer.from([8, 2])), /AUTHENTICATION_FAILED/);
  assert.equal(await call(stack.key), 'OK');
  close();
});

test('suspects: after ten wrong signatures, one of which is forgotten each second', () => {
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

test('suspects: among a hundred times as many valid calls, wrong ones make few of these be checked early', () => {
  const suspects = createSuspects(() => 0);
  const checked = (wrong: number, valid: number): number => {
    let count = 0;
    for (let call = 0; call < wrong + valid; call++) {
      if (call % ((wrong + valid) / wrong) === 0) suspects.add('edge');
      else if (suspects.has('edge')) {
        count += 1;
        suspects.wasValid('edge');
      }
    }
    return count / valid;
  };
  assert.ok(checked(100, 9900) < 0.11);
  // Where half of the calls are wrong, nearly all valid ones are checked: that costs less than to make calls of the wrong ones.
  assert.ok(checked(1000, 1000) > 0.95);
});
