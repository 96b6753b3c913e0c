// Postgres goes back in time (a backup is restored to a moment in between) and Redis does not: what is due in the restored
// present is done, whatever the queue remembers of a future that never was, and no money moves twice.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import pg from 'pg';
import { startTimeTravel, type TimeTravel } from '../db/time-travel.ts';
import { startWorkerProcess, type WorkerProcess, workerEnv } from '../processes.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { assertBooksBalance, type TestDatabase } from '../stack.ts';
import { until } from '../until.ts';
import { openPayoutLedger, type PayoutLedger } from './payouts.ts';
import { openSprinkleLedger } from './sprinkles.ts';

const LINES = 50;
const PAYEES = 5;
const SPRINKLES = 6;
const IN_THE_END_MS = 90_000;
const IN_BETWEEN_MS = 60_000;

let postgres: TimeTravel;
let redis: OwnRedis;
let database: TestDatabase;
let worker: WorkerProcess;
before(async () => {
  if (withoutRedis) return;
  [postgres, redis] = await Promise.all([startTimeTravel(), startOwnRedis()]);
  database = { ...postgres, drop: async () => {} };
  worker = await startWorkerProcess(workerEnv(database, redis.url));
});
after(async () => {
  await worker?.stop();
  await redis?.stop();
  await postgres?.stop();
});

/** Does something as the owner, on a connection of its own: those from before the journey are dead. */
async function withOwner<T>(work: (db: pg.Pool) => Promise<T>): Promise<T> {
  const db = new pg.Pool({ connectionString: postgres.ownerUrl, max: 2 });
  db.on('error', () => {});
  return work(db).finally(() => db.end());
}

const rowsOf = (sql: string) => withOwner(async (db) => (await db.query(sql)).rows);
/** Pauses payouts, or lets them go on, and waits until the queue has been told. */
const setPaused = async (isPaused: boolean) => {
  await rowsOf(`INSERT INTO job_states (job, paused_at) VALUES ('run-payout', CASE WHEN ${isPaused} THEN now() END)
    ON CONFLICT (job) DO UPDATE SET paused_at = excluded.paused_at`);
  const queue = new Redis(redis.url);
  const isTold = async () => ((await queue.hexists('ppuri:run-payout:meta', 'paused')) === 1) === isPaused;
  await until('the queue is told', isTold, IN_BETWEEN_MS).finally(() => queue.disconnect());
};
const isEmpty = async () => (await rowsOf('SELECT FROM outbox')).length === 0;
const isRelayed = async () => (await rowsOf('SELECT FROM outbox WHERE relayed_at IS NULL')).length === 0;
const areRefunded = async () => (await rowsOf('SELECT FROM sprinkles WHERE closed_at IS NULL')).length === 0;

/** Starts a payout in a ledger that is there already. */
const pay = (ledger: PayoutLedger) => ledger.start(LINES, PAYEES);

test('payouts and refunds are finished in the restored present, each once', {
  skip: withoutRedis,
}, async () => {
  const open = () => withOwner((db) => openPayoutLedger(database, db, PAYEES));
  await (await open()).close();
  await postgres.backUp();
  // A payout is under way, its row is with the queue, when the moment comes that will be gone back to.
  await setPaused(true);
  const past = await open();
  const first = await pay(past);
  await past.close();
  const sprinkles = await openSprinkleLedger(database);
  await sprinkles.make(SPRINKLES, 5_000);
  await sprinkles.close();
  await until('the first payout is relayed', isRelayed, IN_BETWEEN_MS);
  await postgres.markMoment('the moment');

  // The future: it is done, and so are others; one more waits in the queue.
  const future = await open();
  await setPaused(false);
  await until('the first payout is done', isEmpty, IN_BETWEEN_MS);
  const gone = [await pay(future), await pay(future)];
  await until('the others are done', isEmpty, IN_BETWEEN_MS);
  await until('the sprinkles are refunded', areRefunded, IN_BETWEEN_MS);
  await setPaused(true);
  gone.push(await pay(future));
  await until('the last one is relayed', isRelayed, IN_BETWEEN_MS);
  await future.close();

  await postgres.goBackTo('the moment');
  const found = await rowsOf('SELECT id, state FROM payouts');
  assert.deepEqual(found, [{ id: first.id, state: 'running' }], 'this is not the moment');
  const present = await open();
  const again = [first];
  for (const _ of gone) again.push(await pay(present));
  await present.close();
  await setPaused(false);

  await until('all that is due is done', isEmpty, IN_THE_END_MS);
  await until('the sprinkles are refunded again', areRefunded, IN_THE_END_MS);
  const payouts = await rowsOf(`SELECT p.state, p.paid_count, a.balance::int AS pot FROM payouts p
    JOIN accounts a ON a.id = p.pot_account_id`);
  assert.deepEqual(
    payouts,
    again.map(() => ({ state: 'done', paid_count: LINES, pot: 0 })),
  );
  const lines = await rowsOf(`SELECT count(*)::int AS lines FROM transfers WHERE kind = 'payout_line'`);
  assert.deepEqual(lines, [{ lines: again.length * LINES }]);
  assert.deepEqual(await rowsOf('SELECT * FROM dead_letters'), []);
  await withOwner(assertBooksBalance);
});
