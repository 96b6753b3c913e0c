// Nonces in Redis: once only, except for the edge's own retry; and Redis decides as the in-memory fallback does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createInMemoryAdmission } from '../../src/admission/in-memory-admission.ts';
import { withoutRedis as skip } from '../redis/own-redis.ts';
import { call, cap, nonce, perUser, SLOWLY, usePeers } from './callers.ts';

const { peer, connection } = usePeers('nonces');
const remaining = async (key: string) =>
  (await peer(0).admit(call({ limits: [perUser(SLOWLY, 100, { key, cost: 0 })] }))).limits[0]?.remaining;

test('of many at once with one nonce, through two connections, one passes and one is charged', {
  skip,
}, async () => {
  const same = call({ limits: [perUser(SLOWLY, 100, { key: 'once' })], nonce: nonce() });
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => (await peer(index).admit(same)).outcome),
  );
  assert.equal(outcomes.filter((outcome) => outcome === 'admitted').length, 1);
  assert.equal(outcomes.filter((outcome) => outcome === 'replayed').length, 99);
  assert.equal(await remaining('once'), 99);
});

test('a retry by the edge passes and is not charged again; any other request id is a replay', {
  skip,
}, async () => {
  const key = crypto.randomUUID();
  const from = (edgeRequestId: string) =>
    peer(0).admit(
      call({ limits: [perUser(SLOWLY, 100, { key: 'edge' })], nonce: nonce(key, edgeRequestId) }),
    );
  assert.equal((await from('edge-1')).outcome, 'admitted');
  const retry = await from('edge-1');
  assert.equal(retry.outcome, 'admitted');
  assert.equal(retry.limits[0]?.remaining, 99);
  assert.equal((await from('edge-2')).outcome, 'replayed');
  assert.equal((await from('')).outcome, 'replayed');
  assert.equal(await remaining('edge'), 99);
});

test('a retry by the edge passes also when the limit is spent, and is no second guess', {
  skip,
}, async () => {
  const spent = call({
    limits: [perUser(SLOWLY, 1, { key: 'spent' })],
    caps: [cap(1, 60_000, { isGuess: true })],
    nonce: nonce(undefined, 'edge-3'),
  });
  assert.equal((await peer(0).admit(spent)).outcome, 'admitted');
  assert.equal((await peer(0).admit({ ...spent, nonce: nonce() })).outcome, 'limited');
  assert.equal((await peer(1).admit(spent)).outcome, 'admitted');
});

test('without an edge there is no retry: an empty request id is never the same one', { skip }, async () => {
  const same = call();
  assert.equal((await peer(0).admit(same)).outcome, 'admitted');
  assert.equal((await peer(0).admit(same)).outcome, 'replayed');
});

test('a refused call does not use up its nonce: sent again after the wait, it passes once', {
  skip,
}, async () => {
  const limits = [perUser(1, 1, { key: 'again' })];
  await peer(0).admit(call({ limits }));
  const refused = call({ limits });
  const { limited } = await peer(0).admit(refused);
  await sleep((limited?.retryAfterMs ?? 0) + 1);
  assert.equal((await peer(1).admit(refused)).outcome, 'admitted');
  assert.equal((await peer(0).admit(refused)).outcome, 'replayed');
});

test('a nonce expires with its signature, and every key in Redis has a TTL', { skip }, async () => {
  const brief = call({ nonce: { ...nonce(), ttlMs: 30 } });
  assert.equal((await peer(0).admit(brief)).outcome, 'admitted');
  await sleep(40);
  assert.equal((await peer(0).admit(brief)).outcome, 'admitted');
  await peer(0).admit(call({ limits: [perUser(1, 10)], caps: [cap(5, 60_000, { isGuess: true })] }));
  const redis = connection(0);
  const keys = await redis.keys('*');
  assert.ok(keys.length > 5);
  for (const key of keys) {
    assert.match(key, /^nonces:(nonce|limit|cap):/);
    const left = await redis.pttl(key);
    // One that never expires would answer -1; one that expired since it was listed answers -2.
    assert.ok((left >= 0 && left <= 100_000) || left === -2, `${key}: ${left}`);
  }
});

/** Always the same sequence of numbers from 0 to 1 (a linear congruential generator). */
function random(seed: number) {
  let state = seed;
  return (sides: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

test('3,000 calls of all sorts: Redis and the in-memory fallback decide the same to the last number', {
  skip,
}, async () => {
  const local = createInMemoryAdmission();
  const roll = random(7);
  const counts = new Map<string, number>();
  const used = new Set<string>();
  const caps = [cap(3, 40), cap(4, 60)];
  for (let step = 0; step < 3000; step++) {
    const request = call({
      nonce: nonce(`${roll(1500)}`, ['', 'edge-a', 'edge-b'][roll(3)]),
      limits: [
        perUser(1 + roll(3) * 20, 5, { key: `${roll(3)}`, cost: roll(4) }),
        perUser(60, 40, { name: 'ip', key: `${roll(2)}`, cost: roll(8) }),
      ].slice(roll(3)),
      caps: caps.slice(roll(3)).map((one) => ({ ...one, isGuess: roll(8) === 0 })),
    });
    const { at, ...decision } = await peer(step).admit(request);
    const refusal = local.refuse(request, at);
    const expected = refusal ?? local.decide(request, at);
    counts.set(expected.outcome, (counts.get(expected.outcome) ?? 0) + 1);
    assert.equal(decision.outcome, expected.outcome);
    // Where a cap is reached the fallback does not read the limits.
    if (refusal?.outcome !== 'limited') assert.deepEqual(decision, expected);
    if (expected.outcome !== 'admitted' || used.has(request.nonce.key)) continue;
    used.add(request.nonce.key);
    for (const one of request.caps) if (one.isGuess) local.recordFailure(one, at);
  }
  for (const outcome of ['admitted', 'limited', 'replayed'])
    assert.ok((counts.get(outcome) ?? 0) > 100, outcome);
});
