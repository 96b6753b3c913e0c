// Sessions of the operator's page: they end when nobody uses them, and in any case.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { Refusal } from '../../src/domain/refusal.ts';
import { createSessions, type Sessions } from '../../src/operator/sessions.ts';
import { SEALING_KEY } from '../keys.ts';
import { given } from '../stack.ts';
import { until } from '../until.ts';

const open = (times: { idleMs: number; absoluteMs: number }, url = given('TEST_REDIS_URL')): Sessions =>
  createSessions({ redis: { url }, sealingKeys: [SEALING_KEY], times, onError: () => {} });

let long: Sessions;
before(async () => {
  long = open({ idleMs: 60_000, absoluteMs: 60_000 });
  await until('Redis is there', () =>
    long.create('a').then(
      () => true,
      () => undefined,
    ),
  );
});
after(() => long[Symbol.dispose]());

test('a token is found until it is ended, and no other text is a token', async () => {
  const token = await long.create('ppk_live_a');
  assert.equal((await long.find(token))?.keyId, 'ppk_live_a');
  for (const other of ['', 'x', `${token}x`, token.toLowerCase(), '*'.repeat(43)])
    assert.equal(await long.find(other), undefined);
  await long.end(token);
  assert.equal(await long.find(token), undefined);
});

test('a session is over after its idle time, and after its whole time however busy it is', async () => {
  using idle = open({ idleMs: 50, absoluteMs: 60_000 });
  using whole = open({ idleMs: 60_000, absoluteMs: 300 });
  const create = (sessions: Sessions) =>
    until('Redis is there', () => sessions.create('a').catch(() => undefined));
  const [left, used] = [await create(idle), await create(whole)];
  const redis = new Redis(given('TEST_REDIS_URL'));
  const name = `ppuri:operator-session:${createHash('sha256').update(left).digest('base64url')}`;
  await until('the idle one is gone', async () => ((await redis.exists(name)) === 0 ? true : undefined));
  redis.disconnect();
  assert.equal(await idle.find(left), undefined);
  await until('the used one is over', async () =>
    (await whole.find(used)) === undefined ? true : undefined,
  );
});

test('where Redis does not answer, sessions are refused and not invented', async () => {
  using away = open({ idleMs: 1_000, absoluteMs: 1_000 }, 'redis://127.0.0.1:1');
  const refused = (error: unknown) => error instanceof Refusal && error.reason === 'UNAVAILABLE';
  await assert.rejects(away.create('a'), refused);
  await assert.rejects(away.find('a'.repeat(43)), refused);
});
