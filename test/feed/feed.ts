// Transfers written by hand, for tests that decide which transaction writes and commits when, and the order that was sealed.
import type pg from 'pg';
import { transferId } from '../../src/domain/transfer.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';

const INSERT = `
  INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id, debit_balance_after,
    credit_balance_after)
  SELECT id, to_timestamp(($2::bigint + place - 1) / 1000000.0), 'transfer', 'KRW', 1, gen_random_uuid(), gen_random_uuid(), 0, 0
  FROM unnest($1::uuid[]) WITH ORDINALITY AS given (id, place)`;

let last = 0;

/** Inserts a transfer of now, as the owner of the tables, and returns its id. Later ones have later moments. */
export async function insertTransfer(db: Pick<pg.Pool, 'query'>): Promise<string> {
  const [id = ''] = await insertTransfers(db, 1);
  return id;
}

/** Inserts so many by one statement, a microsecond apart, and returns their ids. */
export async function insertTransfers(db: Pick<pg.Pool, 'query'>, count: number): Promise<string[]> {
  const first = Math.max(Date.now() * 1000, last + 1);
  last = first + count - 1;
  const ids = Array.from({ length: count }, (_, n) => transferId(first + n, 0, cryptoRandom));
  await db.query(INSERT, [ids, first]);
  return ids;
}

/** A session in a transaction that has a number, which is its caller's to end and to release. */
export async function beginWriting(pool: pg.Pool): Promise<pg.PoolClient> {
  const client = await pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT pg_current_xact_id()');
  return client;
}

/** The ids of all sealed entries, in their order. */
export async function sealedIds(db: pg.Pool): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `SELECT id FROM feed_segments s, unnest(s.ids) WITH ORDINALITY AS e (id, place) ORDER BY s.first_sequence, place`,
  );
  return rows.map(({ id }) => id);
}
