// Limits as callers see them: exact over two server processes, and a wait after which the call passes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { type Connection, type ConnectOptions, connect } from '../../clients/typescript/src/connection.ts';
import type { PpuriError } from '../../clients/typescript/src/error.ts';
import { requestRest } from '../../clients/typescript/src/rest.ts';
import { createServerProgram, type ServerProgram } from '../../src/server/compose.ts';
import { actingAs } from '../api.ts';
import { readMetrics, sumOf } from '../runtime/ops-client.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const [ANNA, BO, CHO, DAN, EVE, FAY, GUS, HAL] = [9501, 9502, 9503, 9504, 9505, 9506, 9507, 9508];
/** For what a busy machine spoils. */
const OTHERS = Array.from({ length: 5 }, (_, index) => 9511 + index);
const ROOM = 'room-9500';
const RATE = 10;
const BURST = 20;
let stack: Stack;
let second: ServerProgram;
let connections: readonly Connection[];

before(async () => {
  stack = await startStack({ edge: !withoutEdge, env: { USER_RATE_PER_SECOND: String(RATE) } });
  second = await createServerProgram(stack.config);
  connections = [stack.app, second].map(({ grpcPort }) =>
    connect(`127.0.0.1:${grpcPort}`, stack.key, { retry: false }),
  );
  await stack.addUsers([ANNA, BO, CHO, DAN, EVE, FAY, GUS, HAL, ...OTHERS]);
  await stack.addRoom(ROOM, [FAY, GUS, HAL]);
});
after(async () => {
  for (const connection of connections) connection.close();
  await second.stop();
  await stack.stop();
});

const balance = (connection: Connection | undefined, user: number) =>
  (connection as Connection).call('wallet.v1.WalletService/GetBalance', {}, actingAs(user)).then(
    () => undefined,
    (error: unknown) => error as PpuriError,
  );

/** How many decisions the servers made without Redis, as where it has not answered in time. */
async function decidedAlone(): Promise<number> {
  const pages = [stack.app, second].map(({ opsPort }) => readMetrics(`http://127.0.0.1:${opsPort}`));
  return sumOf((await Promise.all(pages)).flat(), 'ppuri_limiter_decisions_total', { by: 'process' });
}

/** Ten requests of a user every 50 ms, and what became of each. */
async function askFor5s(user: number) {
  const started = performance.now();
  const refusals: (PpuriError | undefined)[] = [];
  /** How long rounds took in which a busy machine asked for less than may pass. */
  let idleMs = 0;
  for (let round = 0; round < 100; round++) {
    const asked = performance.now();
    const answers = Array.from({ length: 10 }, (_, index) => balance(connections[index % 2], user));
    refusals.push(...(await Promise.all(answers)));
    const tookMs = performance.now() - asked;
    if (tookMs > 500) idleMs += tookMs;
    await sleep(Math.max(0, (round + 1) * 50 - (performance.now() - started)));
  }
  return { refusals, seconds: (performance.now() - started) / 1000, idleSeconds: idleMs / 1000 };
}

test('1,000 requests in 5 s through two servers: the burst and 10 a second pass, not one more', async () => {
  const users = [ANNA, ...OTHERS];
  const { refusals, seconds, idleSeconds } = await until(
    'Redis decides on all of them',
    async () => {
      const before = await decidedAlone();
      const user = users.shift();
      assert.ok(user !== undefined, 'Redis never decided on all of them');
      const asked = await askFor5s(user);
      return (await decidedAlone()) === before && asked;
    },
    60_000,
  );
  const passed = refusals.filter((refusal) => refusal === undefined).length;
  assert.equal(refusals.length, 1000);
  assert.ok(passed <= BURST + RATE * seconds, `${passed} passed in ${seconds} s`);
  assert.ok(passed >= BURST + RATE * (seconds - idleSeconds - 1), `only ${passed} passed in ${seconds} s`);
  for (const refusal of refusals) {
    if (refusal === undefined) continue;
    assert.deepEqual([refusal.code, refusal.reason], ['ERR008', 'RATE_LIMITED']);
    assert.ok(refusal.retryAfterMs !== undefined && refusal.retryAfterMs > 0);
  }
});

test('after the wait that a refusal names, the call passes', async () => {
  // Many at once, because the limit fills again while a busy machine makes them one by one.
  const refusal = await until('a call is refused', async () => {
    const answers = await Promise.all(Array.from({ length: 2 * BURST }, () => balance(connections[0], BO)));
    return answers.findLast((answer) => answer !== undefined);
  });
  // Node's timers may be up to a millisecond early.
  await sleep((refusal.retryAfterMs ?? 0) + 1);
  assert.equal(await balance(connections[1], BO), undefined);
});

test('another user is not held up by it', async () => {
  assert.equal(await balance(connections[0], CHO), undefined);
});

test('over REST: 429 with Retry-After, and every answer says how the limits stand', {
  skip: withoutEdge,
}, async () => {
  const call = () =>
    requestRest(`${stack.restUrl}/api/v1/wallet/balance`, 'GET', undefined, actingAs(DAN), stack.key);
  const answer = await call();
  assert.match(answer.headers.get('ratelimit') ?? '', /"user";r=19;t=\d+/);
  assert.match(answer.headers.get('ratelimit-policy') ?? '', /"user";q=20;w=2/);
  const refused = await until('a call is refused', async () => {
    const answers = await Promise.all(Array.from({ length: 2 * BURST }, call));
    return answers.findLast(({ status }) => status !== 200);
  });
  assert.equal(refused.status, 429);
  assert.match(JSON.stringify(refused.body), /"RATE_LIMITED".*QuotaFailure/);
  const wait = Number(refused.headers.get('retry-after'));
  assert.ok(wait >= 1);
  await sleep(wait * 1000);
  assert.equal((await call()).status, 200);
});

test('over gRPC an answer says how the limits stand once less than half of one is left', async () => {
  const said: string[] = [];
  const hear: Interceptor = (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) =>
        next(metadata, {
          onReceiveMetadata: (received, pass) => {
            said.push(String(received.get('ratelimit')));
            pass(received);
          },
        }),
    });
  const options: ConnectOptions = { interceptors: [hear], retry: false };
  const listening = connect(`127.0.0.1:${stack.app.grpcPort}`, stack.key, options);
  await balance(listening, EVE);
  assert.equal(said[0], '');
  for (let wave = 0; wave < 20 && said.every((text) => text === ''); wave++)
    await Promise.all(Array.from({ length: 15 }, () => balance(listening, EVE)));
  listening.close();
  const told = said.filter((text) => text !== '');
  assert.ok(told.length > 0, 'no answer has the header');
  for (const text of told) assert.match(text, /"user";r=\d;t=\d+/);
});

test('wrong tokens are capped for a user and room at 5 a minute; a right one does not count, others go on', async () => {
  const claim = (user: number, token: string) =>
    stack.grpc.call(
      'wallet.v1.SprinkleService/ClaimSprinkle',
      { token },
      { userId: String(user), roomId: ROOM, idempotencyKey: crypto.randomUUID() },
    );
  await stack.fund([FAY], 1000);
  const identity = { userId: String(FAY), roomId: ROOM, idempotencyKey: crypto.randomUUID() };
  const made = await stack.grpc.call(
    'wallet.v1.SprinkleService/CreateSprinkle',
    { amount: 100, headcount: 2 },
    identity,
  );
  const token = String(made.body.token);
  assert.equal((await claim(GUS, token)).status, 0);
  const guesses = ['000', '001', '002', '003', '004', '005'].filter((guess) => guess !== token);
  const reasons: string[] = [];
  for (const guess of guesses) reasons.push((await claim(GUS, guess)).reason);
  assert.deepEqual(reasons.slice(0, 5), Array(5).fill('SPRINKLE_NOT_FOUND'));
  assert.equal(reasons[5] ?? 'TOO_MANY_FAILURES', 'TOO_MANY_FAILURES');
  assert.equal(
    (await claim(GUS, token)).reason,
    'TOO_MANY_FAILURES',
    'a right token is refused too: it may be a guess',
  );
  assert.equal((await claim(HAL, token)).status, 0);
});
