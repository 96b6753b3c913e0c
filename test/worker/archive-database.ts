// A database of a test's own for archived transfers, with months of history to archive.
import pg from 'pg';
import { shareArchiveSecret } from '../../src/db/archive/secret.ts';
import { migrate } from '../../src/db/migrate.ts';
import { given, type TestDatabase } from '../stack.ts';

/** An archive of its own. */
export interface ArchiveDatabase {
  readonly ownerUrl: string;
  readonly appUrl: string;
  readonly workerUrl: string;
  drop(): Promise<void>;
}

/** Makes it, as the archive of a ledger. */
export async function makeArchive(ledger: Pick<TestDatabase, 'ownerUrl'>): Promise<ArchiveDatabase> {
  const name = `archive_${crypto.randomUUID().replaceAll('-', '')}`;
  const admin = async (sql: string) => {
    const client = new pg.Client({ connectionString: given('TEST_OWNER_URL') });
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  const plainOwner = { username: given('TEST_PLAIN_OWNER'), password: given('TEST_PLAIN_OWNER_PASSWORD') };
  await admin(`CREATE DATABASE ${name} OWNER ${plainOwner.username}`);
  const loginAs = (login?: { username: string; password: string }) =>
    Object.assign(new URL(given('TEST_OWNER_URL')), { pathname: `/${name}`, ...login }).href;
  const [appPassword, workerPassword] = [given('TEST_APP_PASSWORD'), given('TEST_WORKER_PASSWORD')];
  await migrate({ ownerUrl: loginAs(plainOwner), appPassword, workerPassword, schema: 'archive' });
  await shareArchiveSecret(ledger.ownerUrl, loginAs());
  return {
    ownerUrl: loginAs(),
    appUrl: loginAs({ username: 'ppuri_app', password: appPassword }),
    workerUrl: loginAs({ username: 'ppuri_worker', password: workerPassword }),
    drop: () => admin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** The first day of the month so many months ago, in UTC. */
export function monthsAgo(months: number): Date {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1));
}

/**
 * Writes a history into months that are over, before anything else happened: in each of them so many deposits of 1 won
 * into a user's wallet, with ids that carry their moments, so that the books balance.
 */
export async function writeHistory(db: pg.Pool, userId: number, months: readonly number[], aMonth: number) {
  for (const ago of [...months].sort((a, b) => b - a)) {
    const from = monthsAgo(ago);
    const to = monthsAgo(ago - 1);
    const name = `transfers_${from.toISOString().slice(0, 7).replace('-', '_')}`;
    await db.query(
      `CREATE TABLE ${name} PARTITION OF transfers FOR VALUES FROM ('${from.toISOString()}') TO ('${to.toISOString()}');
       ALTER TABLE ${name} OWNER TO ${given('TEST_PLAIN_OWNER')}`,
    );
    await db.query(
      `WITH wallet AS (SELECT id, balance FROM accounts WHERE owner_user_id = $1),
         outside AS (SELECT id, balance FROM accounts WHERE kind = 'external' AND currency = 'KRW' AND stripe = 0),
         rows AS (SELECT n, $2::timestamptz + n * interval '1 second' AS at FROM generate_series(1, $3::int) AS n),
         made AS (
           INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
             debit_balance_after, credit_balance_after, memo, key_id)
           SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000800000' || lpad(to_hex(n), 10, '0'))::uuid,
             at, 'deposit', 'KRW', 1, outside.id, wallet.id, outside.balance - n, wallet.balance + n, 'old ' || n, 'old-key'
           FROM rows, wallet, outside),
         credited AS (UPDATE accounts SET balance = balance + $3, version = version + $3 WHERE owner_user_id = $1)
       UPDATE accounts SET balance = balance - $3, version = version + $3 WHERE id = (SELECT id FROM outside)`,
      [userId, from, aMonth],
    );
  }
}

/** Brings what was archived back, so that the books can be held against every transfer. */
export async function restoreArchived(db: pg.Pool, archive: ArchiveDatabase): Promise<void> {
  const months = `SELECT (max(month) + interval '1 month') AT TIME ZONE 'UTC' AS end FROM archived_months`;
  const { end } = (await db.query<{ end: Date | null }>(months)).rows[0] ?? {};
  if (!end) return;
  const source = new pg.Client({ connectionString: archive.ownerUrl });
  await source.connect();
  const { rows } = await source.query('SELECT json_agg(t)::text AS all FROM transfers t');
  await source.end();
  await db.query(`CREATE TABLE transfers_restored PARTITION OF transfers
    FOR VALUES FROM ('-infinity') TO ('${end.toISOString()}')`);
  await db.query('INSERT INTO transfers SELECT * FROM json_populate_recordset(NULL::transfers, $1)', [
    rows[0].all ?? '[]',
  ]);
}
