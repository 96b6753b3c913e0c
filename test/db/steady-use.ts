// A background load of payments and reads in SQL, and a long transaction, for tests of migrations.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** Payments and reads under way, one after the other each. */
export interface SteadyUse {
  /** Starts a new measurement. */
  measure(): void;
  /** The longest time since then without a payment, and without a read; those under way count for as long as they last so far. */
  longestGapsMs(): Promise<{ readonly payment: number; readonly read: number }>;
  stop(): Promise<void>;
}

/** A transaction that has read transfers and accounts, and stays open. */
export interface LongReader {
  end(): Promise<void>;
}

/** As each account would have it after all of them; what they moved it is not asked here. */
const FILL = `
  INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
    debit_balance_after, credit_balance_after)
  SELECT gen_random_uuid(), now(), 'transfer', 'KRW', 1, a.ids[1 + n % 64], a.ids[1 + (n + 1) % 64], 0, 0
  FROM generate_series(1, $1::int) AS n, (SELECT array_agg(id) AS ids FROM accounts) AS a`;

/** As the ledger does it: lock both accounts, change them, insert the transfer. */
const PAY = [
  `BEGIN`,
  `SELECT id FROM accounts WHERE kind = 'external' AND currency = 'KRW' AND stripe IN (0, 1) ORDER BY id FOR NO KEY UPDATE`,
  `UPDATE accounts SET version = version + 1 WHERE kind = 'external' AND currency = 'KRW' AND stripe IN (0, 1)`,
  `INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
     debit_balance_after, credit_balance_after)
   SELECT gen_random_uuid(), clock_timestamp(), 'transfer', 'KRW', 1, min(id::text)::uuid, max(id::text)::uuid, 0, 0
   FROM accounts WHERE kind = 'external' AND currency = 'KRW' AND stripe IN (0, 1)`,
  `COMMIT`,
];
const READ = [
  `SELECT t.id FROM transfers t JOIN accounts a ON a.id = t.debit_account_id
   WHERE a.kind = 'external' AND a.stripe = 0 ORDER BY t.created_at DESC, t.id DESC LIMIT 20`,
];
/** Between two payments, and between two reads: the gaps that matter are seconds long. */
const PAUSE_MS = 25;

/** Fills the ledger with so many transfers of this month and begins to use it. */
export async function startSteadyUse(ownerUrl: string, rows: number): Promise<SteadyUse> {
  const fill = await connect(ownerUrl);
  // As the owner, and in the schema of the first release.
  await fill.query('SELECT ensure_transfer_partitions(1)');
  // Their accounts are there: the foreign keys need not look for them twice a row.
  await fill.query('SET session_replication_role = replica');
  await fill.query(FILL, [rows]);
  await fill.query('ANALYZE');
  await fill.end();
  const [payment, read] = [await repeat(ownerUrl, PAY), await repeat(ownerUrl, READ)];
  return {
    measure: () => {
      payment.measure();
      read.measure();
    },
    longestGapsMs: async () => ({ payment: payment.longestGapMs(), read: read.longestGapMs() }),
    stop: async () => {
      await Promise.all([payment.stop(), read.stop()]);
    },
  };
}

async function repeat(ownerUrl: string, statements: readonly string[]) {
  const client = await connect(ownerUrl);
  let isStopping = false;
  let lastDoneAt = performance.now();
  let longestMs = 0;
  const note = () => {
    longestMs = Math.max(longestMs, Math.round(performance.now() - lastDoneAt));
    return longestMs;
  };
  const run = async () => {
    while (!isStopping) {
      for (const statement of statements) await client.query(statement);
      note();
      lastDoneAt = performance.now();
      await sleep(PAUSE_MS);
    }
  };
  const running = run();
  running.catch(() => {});
  return {
    measure: () => {
      longestMs = 0;
      lastDoneAt = performance.now();
    },
    longestGapMs: note,
    stop: async () => {
      isStopping = true;
      await running.finally(() => client.end());
    },
  };
}

/** Opens one. */
export async function openLongReader(ownerUrl: string): Promise<LongReader> {
  const client = await connect(ownerUrl);
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await client.query('SELECT id FROM transfers LIMIT 1');
  await client.query('SELECT id FROM accounts LIMIT 1');
  return { end: () => client.end() };
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // Dropping the database ends connections that are still closing; that is no fault of the test's.
  client.on('error', () => {});
  await client.connect();
  return client;
}
