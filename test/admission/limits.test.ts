// Limits in Redis: exact between processes, all or nothing, and the same as the rule in the domain says.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RedisDecision } from '../../src/admission/redis-admission.ts';
import { decideRate, paceOf } from '../../src/domain/limits.ts';
import { withoutRedis as skip } from '../redis/own-redis.ts';
import { until } from '../until.ts';
import { call, perUser, SLOWLY, usePeers } from './callers.ts';

const { redisUrl, peer, connection } = usePeers('limits');
const run = promisify(execFile);

async function flood(prefix: string): Promise<RedisDecision[]> {
  const file = fileURLToPath(new URL('flood.ts', import.meta.url));
  const { stdout } = await run('node', [file, redisUrl(), prefix, '500', '5000', '10', '20'], {
    timeout: 60_000,
  });
  return JSON.parse(stdout);
}

test('1,000 calls in 5 s from two processes at 10/s: the burst and 10/s pass, exactly', {
  skip,
}, async () => {
  const decisions = (await Promise.all([flood('flood'), flood('flood')])).flat().sort((a, b) => a.at - b.at);
  assert.equal(decisions.length, 1000);
  let tat: number | undefined;
  for (const { at, outcome, limited } of decisions) {
    const expected = decideRate(tat, paceOf({ ratePerSecond: 10, burst: 20 }, 1), at);
    assert.equal(outcome, expected.isAllowed ? 'admitted' : 'limited');
    assert.equal(limited?.retryAfterMs ?? 0, expected.retryAfterMs);
    tat = expected.newTat;
  }
  const passed = decisions.filter(({ outcome }) => outcome === 'admitted').map(({ at }) => at);
  const seconds = ((decisions.at(-1)?.at ?? 0) - (passed[0] ?? 0)) / 1_000_000;
  assert.ok(seconds > 4.5, `${seconds} s`);
  assert.ok(passed.length <= 20 + 10 * seconds);
  // A call comes every 5 ms, so what the rate allows is taken up to the last one.
  assert.ok(passed.length >= Math.floor(20 + 10 * (seconds - 0.1)));
});

test('a call passes after the wait that the refusal names, and not earlier', { skip }, async () => {
  for (const cost of [1, 3, 7]) {
    const limits = [perUser(50, 10, { key: `waits-${cost}`, cost })];
    const pace = paceOf({ ratePerSecond: 50, burst: 10 }, cost);
    let tat: number | undefined;
    // Whether a call comes early is a matter of Redis's clock: a busy machine may hold one back.
    const ask = async (caller: number) => {
      const decision = await peer(caller).admit(call({ limits }));
      const expected = decideRate(tat, pace, decision.at);
      assert.equal(decision.outcome, expected.isAllowed ? 'admitted' : 'limited');
      tat = expected.newTat;
      return decision;
    };
    const askUntilRefused = async () => {
      for (let caller = 0; caller < 1000; caller++) {
        const { outcome, limited } = await ask(caller);
        if (outcome === 'limited') return limited?.retryAfterMs ?? 0;
      }
      return assert.fail('no call was refused');
    };
    for (let round = 0; round < 5; round++) {
      await askUntilRefused();
      const retryAfterMs = await askUntilRefused();
      assert.ok(retryAfterMs > 0 && retryAfterMs <= cost * 20);
      // Node's timers may be up to a millisecond early.
      await sleep(retryAfterMs + 1);
      assert.equal((await ask(round)).outcome, 'admitted');
    }
  }
});

test('all limits are charged, or none: a call that one limit refuses costs nothing at the others', {
  skip,
}, async () => {
  const wide = perUser(SLOWLY, 100, { name: 'ip', key: '203.0.113.7' });
  const narrow = perUser(SLOWLY, 3, { key: 'narrow' });
  const admissions = [];
  for (let made = 0; made < 10; made++) {
    admissions.push(await peer(made).admit(call({ limits: [wide, narrow] })));
  }
  assert.deepEqual(
    admissions.map(({ outcome }) => outcome),
    [...Array(3).fill('admitted'), ...Array(7).fill('limited')],
  );
  const { limited, limits } = admissions.at(-1) ?? assert.fail();
  assert.equal(limited?.name, 'user');
  assert.deepEqual(
    limits.map(({ name, limit, remaining }) => ({ name, limit, remaining })),
    [
      { name: 'ip', limit: 100, remaining: 97 },
      { name: 'user', limit: 3, remaining: 0 },
    ],
  );
});

test('of several limits that refuse, the longest wait is named', { skip }, async () => {
  const slow = perUser(1, 2, { name: 'key', key: 'slow' });
  const quick = perUser(50, 2, { key: 'quick' });
  const ask = () => peer(0).admit(call({ limits: [quick, slow] }));
  await Promise.all([ask(), ask()]);
  const { limited } = await ask();
  assert.equal(limited?.name, 'key');
  await sleep((limited?.retryAfterMs ?? 0) + 1);
  assert.equal((await ask()).outcome, 'admitted');
});

test('a spent limit is reported, and removed once it is full again', { skip }, async () => {
  const limits = [perUser(5, 20, { key: 'rests', cost: 5 })];
  const { limits: states } = await peer(0).admit(call({ limits }));
  assert.deepEqual(states, [{ name: 'user', limit: 20, remaining: 15, resetMs: 1000 }]);
  const stored = () => connection(0).exists('limits:limit:user:rests');
  assert.equal(await stored(), 1);
  await until('it is removed', async () => (await stored()) === 0);
});

test('negative control: deciding outside of Redis lets racing callers pass', { skip }, async () => {
  const pace = paceOf({ ratePerSecond: 1, burst: 5 }, 1);
  const callers = Array.from({ length: 50 }, async (_, index) => {
    const redis = connection(index);
    const stored = await redis.get('torn');
    const decision = decideRate(stored ? Number(stored) : undefined, pace, 1_790_000_000_000_000);
    await redis.set('torn', decision.newTat, 'PX', 60_000);
    return decision.isAllowed;
  });
  const passed = (await Promise.all(callers)).filter((isAllowed) => isAllowed).length;
  assert.ok(passed > 5, `${passed} passed`);
  const limits = [perUser(SLOWLY, 5, { key: 'whole' })];
  const whole = await Promise.all(
    Array.from({ length: 50 }, (_, index) => peer(index).admit(call({ limits }))),
  );
  assert.equal(whole.filter(({ outcome }) => outcome === 'admitted').length, 5);
});
