// Archiving under load: how much moving a million old transfers slows down other calls.
import { reconcile } from '../../src/db/jobs/index.ts';
import { createPool } from '../../src/db/pool.ts';
import type { Database } from '../env/database.ts';
import { vacuumAnalyze } from '../env/seed.ts';
import { overGrpc } from './calls.ts';
import type { Bench, Case, Result } from './case.ts';
import { measure } from './measure.ts';
import { transferCalls } from './transfers.ts';

const TRANSFERS = 1_000_000;
const NORMAL_SECONDS = 4;
/** Older than any transfer that is not archived. */
const MONTHS_AGO = 14;
const RECONCILE_WITHIN_MS = 10 * 60_000;
const PROGRAMS = ['server', 'postgres', 'redis'] as const;

/** The uniform transfer before, during and after archiving a month; a million transfers at the default --seconds. */
export const ARCHIVE: Case = {
  name: 'Archive of 1 million transfers beside load',
  isLong: true,
  run: async (bench) => {
    const { stack, log } = bench;
    const { database } = stack;
    const transfers = Math.round((TRANSFERS / NORMAL_SECONDS) * bench.seconds);
    log(`making a month of ${transfers.toLocaleString('en')} old transfers`);
    await writeOldMonth(database, transfers);
    await vacuumAnalyze(database);
    await reconcileAll(database);
    const worker = await stack.startWorker({ ARCHIVE_DATABASE_URL: await stack.createArchive() });
    try {
      const alone = [await load(bench), await load(bench)];
      await database.run(`INSERT INTO outbox (job, data, run_at) VALUES ('archive-transfers', '{}', now())`);
      const begin = performance.now();
      const beside: Result[] = [];
      for (;;) {
        const result = await load(bench);
        const isDone = await isArchived(database);
        // The last measurement includes time after the end; it counts only when there is no other.
        if (!isDone || beside.length === 0) beside.push(result);
        if (isDone) break;
      }
      const seconds = (performance.now() - begin) / 1000;
      alone.push(await load(bench), await load(bench));
      return [resultOf(alone, beside, { seconds, transfers })];
    } finally {
      await worker.stop();
    }
  },
};

function load(bench: Bench): Promise<Result> {
  const target = overGrpc(bench, transferCalls(bench.wallets), true);
  return measure(bench, { name: ARCHIVE.name, target, programs: PROGRAMS, transfersPerCall: 1 });
}

function resultOf(
  alone: readonly Result[],
  beside: readonly Result[],
  { seconds, transfers }: { readonly seconds: number; readonly transfers: number },
): Result {
  const mean = (results: readonly Result[]) =>
    results.reduce((sum, { callsPerSecond }) => sum + callsPerSecond, 0) / results.length;
  const all = [...alone, ...beside];
  return {
    ...(beside[Math.floor(beside.length / 2)] as Result),
    callsPerSecond: mean(beside),
    errors: all.reduce((sum, { errors }) => sum + errors, 0),
    problems: [...new Set(all.flatMap(({ problems }) => problems))],
    figures: {
      'beside archiving / alone': mean(beside) / mean(alone),
      'seconds until all is archived': seconds,
      'transfers archived a second': transfers / seconds,
    },
  };
}

/** Writes a month of deposits, each followed by a withdrawal, so that the books balance with and without it. */
async function writeOldMonth(database: Database, transfers: number): Promise<void> {
  const month = `(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '${MONTHS_AGO} months')`;
  await database.run(`
    DO $$ BEGIN
      EXECUTE format('CREATE TABLE %I PARTITION OF transfers FOR VALUES FROM (%L) TO (%L)',
        'transfers_' || to_char(${month}, 'YYYY_MM'),
        ${month} AT TIME ZONE 'UTC', (${month} + interval '1 month') AT TIME ZONE 'UTC');
    END $$;
    WITH outside AS (SELECT id, balance FROM accounts WHERE kind = 'external' AND currency = 'KRW' AND stripe = 0),
      wallets AS (
        SELECT id, balance, row_number() OVER () - 1 AS place, count(*) OVER () AS count
        FROM accounts WHERE kind = 'wallet' AND currency = 'KRW'),
      moments AS (
        SELECT n, ${month} AT TIME ZONE 'UTC' + n * interval '2 seconds' AS at FROM generate_series(0, ${transfers} - 1) AS n),
      made AS (
        INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
          debit_balance_after, credit_balance_after)
        SELECT uuidv7(at - clock_timestamp()), at,
          CASE n % 2 WHEN 0 THEN 'deposit' ELSE 'withdrawal' END::transfer_kind, 'KRW', 1,
          CASE n % 2 WHEN 0 THEN outside.id ELSE w.id END, CASE n % 2 WHEN 0 THEN w.id ELSE outside.id END,
          CASE n % 2 WHEN 0 THEN outside.balance - 1 ELSE w.balance END,
          CASE n % 2 WHEN 0 THEN w.balance + 1 ELSE outside.balance END
        FROM moments CROSS JOIN outside JOIN wallets w ON w.place = (n / 2) % w.count
        RETURNING debit_account_id, credit_account_id),
      touched AS (SELECT debit_account_id AS id FROM made UNION ALL SELECT credit_account_id FROM made)
    UPDATE accounts a SET version = version + t.times
    FROM (SELECT id, count(*) AS times FROM touched GROUP BY id) t WHERE a.id = t.id`);
}

/** Only reconciled transfers are archived. */
async function reconcileAll({ ownerUrl }: Database): Promise<void> {
  const pool = createPool({
    url: ownerUrl,
    maxConnections: 1,
    statementTimeoutMs: RECONCILE_WITHIN_MS,
    onIdleError: () => {},
  });
  const { faults } = await reconcile(pool).finally(() => pool.end());
  if (faults.length > 0) throw new Error(`${faults.length} accounts do not balance`);
}

async function isArchived(database: Database): Promise<boolean> {
  return (await database.rows('SELECT FROM archived_months')).length > 0;
}
