// A scripted day: what people did in it, and the figures that ops get for it, worked out by hand here.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Pool } from '../../src/db/pool.ts';
import { SETTLED_AFTER_MS } from '../../src/db/timeouts.ts';
import { aggregateStatistics } from '../../src/worker/jobs/aggregate-statistics.ts';
import { refundJobs } from '../../src/worker/jobs/refunds.ts';
import { actingAs } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';
import { createTestLedger } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';

const [ANNA, BO, CHO] = [9801, 9802, 9803];
const DAY_MS = 86_400_000;
/** The last day that can be worked out, which right after midnight is the one before. Set when the tests begin, long after loading. */
let yesterday = 0;
const at = (hour: number, minute = 0) => new Date(yesterday + (hour * 60 + minute) * 60_000).toISOString();
const running = new AbortController().signal;
let stack: Stack;
let pool: Pool;
let share = 0;
before(async () => {
  yesterday = Math.floor((Date.now() - SETTLED_AFTER_MS) / DAY_MS) * DAY_MS - DAY_MS;
  stack = await startStack({ env: { SPRINKLE_LIFETIME_MS: '1500' } });
  pool = createTestPool(stack.database.workerUrl, { maxConnections: 4, statementTimeoutMs: 60_000 });
  await stack.addUsers([ANNA, BO, CHO]);
  await stack.addRoom('room-a', [ANNA, BO, CHO]);
  await stack.addRoom('room-b', [ANNA, BO, CHO]);
  await makeYesterday();
});
after(async () => {
  await pool.end();
  await stack.stop();
});

const me = (user: number, roomId?: string) => ({
  userId: String(user),
  idempotencyKey: crypto.randomUUID(),
  ...(roomId && { roomId }),
});
async function call(rpc: string, request: Record<string, string | number>, user: number, roomId?: string) {
  const answer = await stack.grpc.call(`wallet.v1.${rpc}`, request, me(user, roomId));
  assert.equal(answer.status, 0, answer.reason);
  return answer.body;
}
const claim = async (user: number, roomId: string, token: unknown) =>
  Number((await call('SprinkleService/ClaimSprinkle', { token: String(token) }, user, roomId)).amount);

/** As if all that happened today had happened at that moment of yesterday; a pot was emptied half a minute later. */
async function happenedAt(moment: string): Promise<void> {
  const month = moment.slice(0, 7);
  const next = new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 1)).toISOString();
  await stack.db.query(
    `SET session_replication_role = replica;
     DO $$ BEGIN
       IF to_regclass('transfers_${month.replace('-', '_')}') IS NULL THEN
         CREATE TABLE transfers_${month.replace('-', '_')} PARTITION OF transfers FOR VALUES FROM ('${month}-01Z') TO ('${next}');
       END IF;
     END $$;
     UPDATE transfers SET created_at = '${moment}' WHERE created_at > '${at(24)}';
     UPDATE sprinkles SET created_at = '${moment}', expires_at = '${moment}'::timestamptz + interval '10 minutes',
       closed_at = '${moment}'::timestamptz + CASE WHEN claimed_count = cardinality(shares)
         THEN interval '30 seconds' ELSE interval '10 minutes' END WHERE created_at > '${at(24)}';
     SET session_replication_role = DEFAULT`,
  );
}

/** Makes the history of yesterday, and the sums of it that the tests read. */
async function makeYesterday(): Promise<void> {
  await stack.fund([ANNA, BO, CHO], 1000);
  await call('WalletService/Transfer', { to_user_id: BO, amount: 100 }, ANNA);
  await call('WalletService/Transfer', { to_user_id: BO, amount: 50 }, ANNA);
  const first = await call('SprinkleService/CreateSprinkle', { amount: 300, headcount: 2 }, ANNA, 'room-a');
  await claim(BO, 'room-a', first.token);
  await claim(CHO, 'room-a', first.token);
  await happenedAt(at(9, 20));

  const second = await call('SprinkleService/CreateSprinkle', { amount: 90, headcount: 3 }, BO, 'room-b');
  share = await claim(ANNA, 'room-b', second.token);
  await until('it has expired', async () => {
    const { rows } = await stack.db.query('SELECT bool_and(expires_at <= now()) AS is_over FROM sprinkles');
    return rows[0].is_over;
  });
  const { execute } = createTestLedger(pool);
  const jobs = refundJobs({ pool, execute, observer: { refunded: () => {} } });
  await jobs['expire-sprinkles'].run({}, running);
  await happenedAt(at(11, 40));

  await stack.db.query(
    `INSERT INTO samples (at, measure, label, value) VALUES
       ($1, 'calls', 'OK', 5), ($2, 'calls', 'OK', 3), ($2, 'calls', 'ERR006', 2),
       ($1, 'latency', '5', 6), ($2, 'latency', '10', 3), ($2, 'latency', '100', 1),
       ($1, 'cache_hits', 'balance', 3), ($1, 'cache_misses', 'balance', 1)`,
    [at(9, 5), at(9, 50)],
  );
  const work = aggregateStatistics(pool);
  const done = (await work.run({}, running)) as { hour: number; day: number };
  // Another day is over as well where that is so by now.
  assert.ok(done.hour >= 15 && done.day >= 1, JSON.stringify(done));
  assert.deepEqual(await work.run({}, running), { hour: 0, day: 0 });
}

/** A measure's figures: `label currency value` by the hour, or of the day. */
async function figures(measure: string, period: 'HOUR' | 'DAY'): Promise<Record<string, string[]>> {
  const request = { measure, period: `PERIOD_${period}`, start_time: at(0), end_time: at(24) };
  const answer = await stack.grpc.call('admin.v1.StatisticsService/GetSeries', request);
  assert.equal(answer.status, 0, answer.reason);
  const byTime = new Map<string, string[]>();
  for (const { starts_at, label, currency_code, value } of answer.list('figures')) {
    const words = [label, currency_code, value].filter((word) => word !== '').join(' ');
    const hour = String(starts_at).slice(11, 13);
    byTime.set(hour, [...(byTime.get(hour) ?? []), words]);
  }
  return Object.fromEntries(byTime);
}

test('the figures of its hours', async () => {
  assert.deepEqual(await figures('transfers', 'HOUR'), {
    '09': ['claim 2', 'deposit 3', 'sprinkle 1', 'transfer 2'],
    '11': ['claim 1', 'refund 1', 'sprinkle 1'],
  });
  assert.deepEqual(await figures('volume', 'HOUR'), {
    '09': ['claim KRW 300', 'deposit KRW 3000', 'sprinkle KRW 300', 'transfer KRW 150'],
    '11': [`claim KRW ${share}`, `refund KRW ${90 - share}`, 'sprinkle KRW 90'],
  });
  const active = await figures('active_users', 'HOUR');
  assert.deepEqual([active['09'], active['10'], active['11']], [['3'], ['0'], ['2']]);
  assert.deepEqual(await figures('claim_rate', 'HOUR'), { '09': ['1'], '11': ['0.3333333333333333'] });
  assert.deepEqual(await figures('time_to_empty_p50_ms', 'HOUR'), { '09': ['30000'] });
  assert.deepEqual(await figures('calls', 'HOUR'), { '09': ['ERR006 2', 'OK 8'] });
  assert.deepEqual(await figures('latency_p50_ms', 'HOUR'), { '09': ['5'] });
  assert.deepEqual(await figures('latency_p95_ms', 'HOUR'), { '09': ['100'] });
  assert.deepEqual(await figures('cache_hit_rate', 'HOUR'), { '09': ['balance 0.75'] });
});

test('the figures of the day', async () => {
  assert.deepEqual(await figures('active_users', 'DAY'), { '00': ['3'] });
  assert.deepEqual(await figures('transfers', 'DAY'), {
    '00': ['claim 3', 'deposit 3', 'refund 1', 'sprinkle 2', 'transfer 2'],
  });
  assert.deepEqual(await figures('sprinkles', 'DAY'), { '00': ['2'] });
  assert.deepEqual(await figures('shares_offered', 'DAY'), { '00': ['5'] });
  assert.deepEqual(await figures('shares_claimed', 'DAY'), { '00': ['3'] });
  assert.deepEqual(await figures('claim_rate', 'DAY'), { '00': ['0.6'] });
  assert.deepEqual(await figures('sprinkles_emptied', 'DAY'), { '00': ['1'] });
  assert.deepEqual(await figures('room_sprinkles', 'DAY'), { '00': ['room-a 1', 'room-b 1'] });
  assert.deepEqual(await figures('room_volume', 'DAY'), { '00': ['room-a KRW 300', 'room-b KRW 90'] });
  assert.deepEqual(await figures('latency_p99_ms', 'DAY'), { '00': ['100'] });
});

test('measures are listed, and one that is none is refused', async () => {
  const listed = await stack.grpc.call('admin.v1.StatisticsService/ListMeasures', {});
  assert.ok(listed.list('measures').some(({ name }) => name === 'room_volume'));
  const request = { measure: 'weather', period: 'PERIOD_DAY', start_time: at(0), end_time: at(24) };
  const refused = await stack.grpc.call('admin.v1.StatisticsService/GetSeries', request);
  assert.deepEqual([refused.code, refused.fields], ['ERR001', ['measure']]);
});

test('a server writes down how its calls went', async () => {
  const count = async () => {
    const { rows } = await stack.db.query(
      `SELECT coalesce(sum(value) FILTER (WHERE label = 'OK'), 0)::int AS good,
         coalesce(sum(value) FILTER (WHERE label = 'ERR005'), 0)::int AS lost FROM samples WHERE measure = 'calls' AND at > $1`,
      [at(24)],
    );
    return rows[0];
  };
  await stack.grpc.call('wallet.v1.UserService/GetUser', { user_id: '1' }, actingAs(ANNA));
  await until('they are written down', async () => (await count()).lost > 0);
  const { good, lost } = await count();
  assert.ok(good >= 10 && lost === 1, `${good} good, ${lost} not found`);
});
