// When the client makes an attempt again: the rules, pauses and budget, with a clock and chance of the test's own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { createCalls } from '../../clients/typescript/src/calls.ts';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import { type Clock, createRetries, type RetryOptions } from '../../clients/typescript/src/retry.ts';
import type { Attempt, Transport } from '../../clients/typescript/src/transport.ts';
import { REASONS, type Reason } from '../../src/domain/reasons.ts';

const READ = 'wallet.v1.WalletService/GetBalance';
const PAY = 'wallet.v1.WalletService/Transfer';
const RENAME = 'wallet.v2.UserService/UpdateUser';
const LINES = 'wallet.v2.PayoutService/AddPayoutLines';
const WATCH = 'wallet.v2.PayoutService/WatchPayout';
/** Not repeatable: another key each time. */
const MAKE_KEY = 'admin.v1.ApiKeyService/CreateApiKey';

const failure = (code: status, reason = '', retryAfterMs?: number) =>
  new PpuriError({
    status: code,
    message: reason || 'no answer',
    details: reason ? [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason }] : [],
    retryAfterMs,
  });
const DOWN = () => failure(status.UNAVAILABLE);
const OK = Buffer.from('answer');

/** Calls whose attempts are answered by a script, with a clock that sleeping moves. */
function scripted(
  script: (attempt: number) => Error | Buffer | readonly (Error | Buffer)[],
  options: RetryOptions = {},
) {
  const attempts: Attempt[] = [];
  const pauses: number[] = [];
  let nowMs = 0;
  const clock: Clock = {
    now: () => nowMs,
    random: () => 1,
    sleep: async (ms) => {
      pauses.push(ms);
      nowMs += ms;
    },
  };
  const next = (attempt: Attempt) => {
    attempt.signal.throwIfAborted();
    attempts.push(attempt);
    const answer = script(attempts.length);
    return answer instanceof Error || Buffer.isBuffer(answer) ? [answer] : answer;
  };
  const transport: Transport = {
    async unary(attempt) {
      const [answer] = next(attempt);
      if (answer instanceof Error) throw answer;
      return answer ?? OK;
    },
    async *stream(attempt) {
      for (const message of next(attempt)) {
        if (message instanceof Error) throw message;
        yield message;
      }
    },
    close: () => {},
  };
  return { attempts, pauses, calls: createCalls(transport, createRetries(options, clock), true) };
}

/** How often a call is attempted whose first answer is an error and whose second is OK. */
async function attemptsAfter(rpc: string, error: PpuriError): Promise<number> {
  const { attempts, calls } = scripted((attempt) => (attempt === 1 ? error : OK));
  await calls.unary(rpc, OK, {}, {}).catch((thrown) => assert.equal(thrown, error));
  return attempts.length;
}

test('a call is repeated where the contract makes that safe, and only there', async () => {
  for (const [rpc, attempts] of [
    [READ, 2],
    [PAY, 2],
    [RENAME, 2],
    [LINES, 2],
    [MAKE_KEY, 1],
  ] as const)
    assert.equal(await attemptsAfter(rpc, DOWN()), attempts, rpc);
});

test('every reason of the table is repeated or not as its advice says', async () => {
  const repeated: Reason[] = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED', 'CONFLICT', 'NONCE_REUSED'];
  const limits: Reason[] = ['RATE_LIMITED', 'TOO_MANY_FAILURES'];
  for (const [reason, entry] of Object.entries(REASONS) as [Reason, { status: keyof typeof status }][]) {
    const isLimit = limits.includes(reason);
    const error = failure(status[entry.status], reason, isLimit ? 1000 : undefined);
    const attempts = repeated.includes(reason) || isLimit ? 2 : 1;
    assert.equal(await attemptsAfter(PAY, error), attempts, reason);
  }
  assert.equal(await attemptsAfter(PAY, failure(status.INTERNAL)), 1);
  const reset = new PpuriError({ status: status.INTERNAL, message: 'Received RST_STREAM with code 2' });
  assert.equal(await attemptsAfter(PAY, reset), 2);
});

test('an attempt that was superseded is repeated only where an earlier one of the same call may have done it', async () => {
  const superseded = failure(status.ABORTED, 'ATTEMPT_SUPERSEDED', 1000);
  assert.equal(await attemptsAfter(PAY, superseded), 1);
  const { attempts, calls } = scripted((attempt) => [DOWN(), superseded, OK][attempt - 1] ?? OK);
  await calls.unary(PAY, OK, {}, {});
  assert.equal(attempts.length, 3);
});

test('all attempts have the key that was given, or one that the client made, and the error tells it', async () => {
  const given = scripted((attempt) => (attempt < 3 ? DOWN() : OK));
  await given.calls.unary(PAY, OK, { userId: '1', idempotencyKey: 'rent' }, {});
  assert.deepEqual(
    given.attempts.map(({ identity }) => identity),
    Array(3).fill({ userId: '1', idempotencyKey: 'rent' }),
  );
  const made = scripted(() => DOWN());
  const error = await made.calls.unary(PAY, OK, {}, {}).catch((thrown: PpuriError) => thrown);
  assert.ok(error instanceof PpuriError && error.idempotencyKey);
  assert.deepEqual(
    [...new Set(made.attempts.map(({ identity }) => identity.idempotencyKey))],
    [error.idempotencyKey],
  );
  const read = scripted(() => OK);
  await read.calls.unary(READ, OK, {}, {});
  assert.equal(read.attempts[0]?.identity.idempotencyKey, undefined);
});

test('pauses double up to the longest one, after what the answer asks for, within the time of the call', async () => {
  const { pauses, attempts, calls } = scripted(() => DOWN());
  await assert.rejects(calls.unary(READ, OK, {}, { timeoutMs: 15_000 }), PpuriError);
  assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 5000]);
  // Each attempt has at most 10 s, and what is left of the call's time.
  assert.deepEqual(
    attempts.map(({ timeoutMs }) => timeoutMs),
    [10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 8_700, 3_700],
  );
  const asked = scripted((attempt) =>
    attempt === 1 ? failure(status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 2500) : OK,
  );
  await asked.calls.unary(READ, OK, {}, {});
  assert.deepEqual(asked.pauses, [2600]);
  // No pause is begun at whose end there is no time left.
  const late = scripted(() => failure(status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 60_000));
  await assert.rejects(late.calls.unary(READ, OK, {}, {}), { reason: 'RATE_LIMITED', retryAfterMs: 60_000 });
  assert.deepEqual([late.pauses, late.attempts.length], [[], 1]);
});

test('the budget ends retries when half of it is spent, and answers fill it again', async () => {
  let isDown = true;
  const { attempts, calls } = scripted(() => (isDown ? DOWN() : OK), { maxTokens: 10, tokenRatio: 0.5 });
  const made = async () => {
    const before = attempts.length;
    await calls.unary(READ, OK, {}, { timeoutMs: 1_000_000 }).catch(() => {});
    return attempts.length - before;
  };
  // 10 tokens: four failures leave 6, and the fifth the half.
  assert.equal(await made(), 5);
  assert.equal(await made(), 1);
  isDown = false;
  for (let answers = 0; answers < 5; answers++) assert.equal(await made(), 1);
  isDown = true;
  // 4 + 2.5 tokens allow one retry.
  assert.equal(await made(), 2);
});

test('without retries a call has one attempt, which may take all of its time', async () => {
  const { attempts, calls } = scripted(() => DOWN());
  await assert.rejects(calls.unary(READ, OK, {}, { retry: false, timeoutMs: 60_000 }), PpuriError);
  assert.deepEqual(
    attempts.map(({ timeoutMs }) => timeoutMs),
    [60_000],
  );
});

test('a call that is cancelled makes no other attempt, whenever that happens', async () => {
  const before = AbortSignal.abort(new Error('left'));
  const early = scripted(() => OK);
  const cancelled = { name: 'PpuriError', status: status.CANCELLED };
  await assert.rejects(early.calls.unary(PAY, OK, {}, { signal: before }), cancelled);
  assert.equal(early.attempts.length, 0);
  const controller = new AbortController();
  const { attempts, calls } = scripted(() => {
    controller.abort(new Error('left'));
    return DOWN();
  });
  await assert.rejects(calls.unary(PAY, OK, {}, { signal: controller.signal }), PpuriError);
  assert.equal(attempts.length, 1);
});

test('a stream goes on after it broke off, for as long as messages come, and ends with its end', async () => {
  const message = (text: string) => Buffer.from(text);
  const script = [
    [message('1'), DOWN()],
    [DOWN()],
    [message('2'), failure(status.DEADLINE_EXCEEDED)],
    [message('3')],
  ];
  const { attempts, pauses, calls } = scripted((attempt) => script[attempt - 1] ?? []);
  const read: string[] = [];
  for await (const bytes of calls.stream(WATCH, OK, {}, {})) read.push(String(bytes));
  assert.deepEqual(read, ['1', '2', '3']);
  assert.equal(attempts.length, 4);
  // A message ends the outage, and the next one begins with a short pause.
  assert.deepEqual(pauses, [100, 200, 100]);
});

test('a stream that stays away is given up a minute after its last message', async () => {
  const { pauses, calls } = scripted(() => DOWN());
  await assert.rejects(calls.stream(WATCH, OK, {}, {}).next(), { status: status.UNAVAILABLE });
  const waitedMs = pauses.reduce((sum, pause) => sum + pause, 0);
  assert.ok(waitedMs > 50_000 && waitedMs < 60_000, `${waitedMs} ms`);
  const refused = scripted(() => failure(status.NOT_FOUND, 'PAYOUT_NOT_FOUND'));
  await assert.rejects(refused.calls.stream(WATCH, OK, {}, {}).next(), { reason: 'PAYOUT_NOT_FOUND' });
  assert.equal(refused.attempts.length, 1);
});
