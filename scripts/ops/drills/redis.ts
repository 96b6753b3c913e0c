// The Redis drill: Redis is emptied, and then replaced by an empty one, under traffic. Everything in it comes back from Postgres.
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Connection } from '../../../clients/typescript/src/connection.ts';
import { createRedisConnection, waitUntilReady } from '../../../src/redis/index.ts';
import { DEMO_ROOM, DEMO_USERS } from '../../cli/dev-info.ts';
import { SetupError } from '../../cli/program.ts';
import { connect } from '../../recovery/cluster-facts.ts';
import { checkLedger } from '../../recovery/ledger-check.ts';
import { type DrillOptions, type DrillReport, Stopwatch } from './drill.ts';
import { countStale, judgePayments } from './ledger-verdict.ts';
import { findWallets, longestGapSeconds, type Payers, startPayers } from './payers.ts';
import { type RedisNodes, startRedisNodes } from './redis-nodes.ts';

/** How much there is to lose. */
export interface RedisDrillOptions extends DrillOptions {
  /** Jobs that wait in the queue, half of them at each loss; 10,000 when left out. */
  readonly jobs?: number;
  /** Wallets in the cache; 100,000 when left out. */
  readonly wallets?: number;
  /** How long the jobs wait, in milliseconds; 60,000 when left out. Making half of them has to take less. */
  readonly jobsWaitMs?: number;
}

/** What it says besides. */
export interface RedisReport extends DrillReport {
  /** The jobs that waited at each loss. */
  readonly waitingJobs: readonly number[];
  readonly cachedWallets: number;
}

/** What happens to Redis. */
const LOSSES = { emptied: 'FLUSHALL', replaced: 'an empty Redis in its place' } as const;

const FULL = { jobs: 10_000, wallets: 100_000, jobsWaitMs: 60_000 };
/** Owns the wallets that are cached. */
const OWNER = 2001n;
const CALLS_IN_FLIGHT = 64;
const CALL_TIMEOUT_MS = 10_000;
const CALM_MS = 1_000;
const POLL_MS = 50;
const PATIENCE_MS = 120_000;

/** Runs it. */
export async function redisDrill(options: RedisDrillOptions): Promise<RedisReport> {
  const { log, jobs, wallets: cachedWallets, jobsWaitMs } = { ...FULL, ...options };
  const watch = new Stopwatch(log);
  await using nodes = await watch.step('start the nodes', () => startRedisNodes(options, jobsWaitMs));
  const [caller] = nodes.callers;
  if (!caller) throw new SetupError('there is nobody to call');
  await using stack = new AsyncDisposableStack();
  const ledger = stack.adopt(await connect(nodes.ownerUrl), (client) => client.end());
  const wallets = await findWallets(caller);
  const ids = await makeWallets(ledger, cachedWallets);
  const readAll = () =>
    inParallel(ids, (wallet_id) =>
      caller.call(
        'wallet.v2.WalletService/GetBalance',
        { wallet_id },
        { userId: String(OWNER) },
        { timeoutMs: CALL_TIMEOUT_MS },
      ),
    );
  await watch.step(`read ${cachedWallets} wallets into the cache`, readAll);
  const payers = startPayers(nodes.callers, wallets);
  const drill = { watch, nodes, ledger, payers, caller, wallets, jobs: Math.ceil(jobs / 2) };
  const emptied = await lose(drill, 'emptied');
  const replaced = await lose(drill, 'replaced');
  await watch.step('read every wallet again', readAll);
  await watch.step('read them from the cache', readAll);
  await watch.step('every job is done', () => untilDone(ledger));
  await watch.step('let the callers end', () => payers.stop());
  const losses = [emptied, replaced];
  // Awaited here, because the nodes end with this function.
  return await judge({ ...drill, seed: options.seed, losses, cachedWallets });
}

interface RunningDrill {
  readonly watch: Stopwatch;
  readonly nodes: RedisNodes;
  readonly ledger: pg.Client;
  readonly payers: Payers;
  readonly caller: Connection;
  readonly wallets: ReadonlyMap<bigint, string>;
  /** For each loss. */
  readonly jobs: number;
}

/** What came of one loss. */
interface Loss {
  readonly gapSeconds: number;
  readonly waitingJobs: number;
  readonly stale: number;
}

async function makeWallets(ledger: pg.Client, count: number): Promise<string[]> {
  await ledger.query(`INSERT INTO users (id, display_name) VALUES ($1, 'Many wallets')`, [OWNER]);
  const { rows } = await ledger.query<{ id: string }>(
    `INSERT INTO accounts (id, kind, currency, owner_user_id, is_default, created_at, updated_at)
     SELECT gen_random_uuid(), 'wallet', 'KRW', $1, n = 1, now(), now() FROM generate_series(1, $2::int) AS n RETURNING id`,
    [OWNER, count],
  );
  return rows.map(({ id }) => id);
}

async function lose(drill: RunningDrill, how: keyof typeof LOSSES): Promise<Loss> {
  const { watch, nodes, ledger, payers, caller, wallets } = drill;
  await watch.step(`${drill.jobs} more jobs wait in the queue`, async () => {
    await makeJobs(drill);
    await untilTrue(() => isQueued(ledger, new Date(0)));
  });
  const { rows } = await ledger.query<{ now: Date; waiting: number; epoch: string }>(
    'SELECT clock_timestamp() AS now, (SELECT count(*)::int FROM outbox) AS waiting, epoch FROM cache_epochs',
  );
  const before = rows[0] ?? { now: new Date(), waiting: 0, epoch: '' };
  const lostAt = Date.now();
  await watch.step(LOSSES[how], () => (how === 'emptied' ? flush(nodes.redisUrl) : nodes.replaceRedis()));
  await Promise.all([
    watch.step('  the first payment', () => payers.next()),
    watch.step('  the queue has every job again', () => untilTrue(() => isQueued(ledger, before.now))),
    watch.step('  entries are trusted again', () => untilTrue(() => isTrusted(ledger, before.epoch))),
  ]);
  await sleep(CALM_MS);
  const gapSeconds = longestGapSeconds(payers.paid, lostAt, Date.now());
  await payers.pause(true);
  const stale = await countStale(nodes.ownerUrl, caller, wallets);
  await payers.pause(false);
  return { gapSeconds, waitingJobs: before.waiting, stale };
}

/** Makes sprinkles, and for each of them a job that pays it back when its time is over. */
async function makeJobs({ caller, ledger, wallets, jobs }: RunningDrill): Promise<void> {
  const [user] = DEMO_USERS;
  const request = {
    room_id: DEMO_ROOM,
    wallet_id: wallets.get(user) ?? '',
    amount: { currency_code: 'KRW', minor_units: '1' },
    headcount: 1,
  };
  await inParallel(Array.from({ length: jobs }), () =>
    caller.call(
      'wallet.v2.SprinkleService/CreateSprinkle',
      request,
      { userId: String(user), idempotencyKey: crypto.randomUUID() },
      { timeoutMs: CALL_TIMEOUT_MS },
    ),
  );
  // The ledger asks for one job for all sprinkles of a batch.
  await ledger.query(
    `INSERT INTO outbox (job, data, run_at)
     SELECT 'refund-sprinkle', json_build_object('sprinkleId', id), expires_at FROM sprinkles
     WHERE closed_at IS NULL AND id::text NOT IN (SELECT data->>'sprinkleId' FROM outbox WHERE job = 'refund-sprinkle')`,
  );
}

async function flush(url: string): Promise<void> {
  const redis = createRedisConnection({ url, onError: () => {} });
  try {
    await waitUntilReady(redis, CALL_TIMEOUT_MS);
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
}

/** Whether the relay has brought every row of the outbox into the queue after this moment of the database's clock. */
async function isQueued(ledger: pg.Client, after: Date): Promise<boolean> {
  const { rowCount } = await ledger.query(
    'SELECT FROM outbox WHERE relayed_at IS NULL OR relayed_at <= $1 LIMIT 1',
    [after],
  );
  return rowCount === 0;
}

/** Whether processes trust entries of an epoch that began later. */
async function isTrusted(ledger: pg.Client, oldEpoch: string): Promise<boolean> {
  const { rowCount } = await ledger.query(
    'SELECT FROM cache_epochs WHERE epoch <> $1 AND usable_from <= clock_timestamp()',
    [oldEpoch],
  );
  return rowCount === 1;
}

async function untilDone(ledger: pg.Client): Promise<void> {
  await untilTrue(async () => {
    const { rows } = await ledger.query<{ left: number }>(
      `SELECT (SELECT count(*)::int FROM outbox)
         + (SELECT count(*)::int FROM accounts WHERE kind = 'sprinkle' AND balance > 0) AS left`,
    );
    return rows[0]?.left === 0;
  });
}

async function untilTrue(isTrue: () => Promise<boolean>): Promise<void> {
  for (const giveUpAt = Date.now() + PATIENCE_MS; !(await isTrue()); await sleep(POLL_MS))
    if (Date.now() > giveUpAt) throw new SetupError(`not within ${PATIENCE_MS / 1000} s`);
}

/** Does the work for each item, many at once. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0;
  const run = async () => {
    while (next < items.length) await work(items[next++] as T);
  };
  await Promise.all(Array.from({ length: CALLS_IN_FLIGHT }, run));
}

interface Aftermath extends RunningDrill {
  readonly seed: number;
  readonly losses: readonly Loss[];
  readonly cachedWallets: number;
}

async function judge(after: Aftermath): Promise<RedisReport> {
  const { watch, ledger, payers, losses, jobs, seed, cachedWallets } = after;
  const payments = await judgePayments(ledger, payers.paid);
  const { rows } = await ledger.query<{ paidBack: number; doubled: number }>(
    `SELECT count(*)::int AS "paidBack", count(*) FILTER (WHERE times > 1)::int AS doubled
     FROM (SELECT count(*) AS times FROM transfers WHERE kind = 'refund' GROUP BY debit_account_id) AS refunds`,
  );
  const { paidBack = 0, doubled = 0 } = rows[0] ?? {};
  const books = await checkLedger(ledger, 'ppuri');
  return {
    drill: 'redis',
    seed,
    rtoSeconds: Math.max(...losses.map(({ gapSeconds }) => gapSeconds)),
    rpoSeconds: 0,
    acknowledged: payers.paid.length,
    lost: payments.undone.length + (jobs * losses.length - paidBack),
    doubled: payments.doubled + doubled,
    stale: losses.reduce((sum, { stale }) => sum + stale, 0),
    booksOk: books.faults.length === 0,
    steps: watch.steps,
    waitingJobs: losses.map(({ waitingJobs }) => waitingJobs),
    cachedWallets,
  };
}
