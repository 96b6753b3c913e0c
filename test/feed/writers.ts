// Transactions as servers make them, but slow at every step: locks one by one, a pause before COMMIT, some of them rolled back.
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { transferId } from '../../src/domain/transfer.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';

/** What a writer does. */
export interface Writing {
  readonly pool: pg.Pool;
  /** Accounts that may go below zero, in the order in which they are locked. */
  readonly accounts: readonly string[];
  /** Transfers in a transaction. */
  readonly batch: number;
  /** The longest pause before COMMIT, in milliseconds; nine of ten are shorter than a tenth of it. */
  readonly longestMs: number;
  /** From 0 to 1, of a generator with a seed. */
  readonly random: () => number;
}

const LOCK = `SELECT balance, (extract(epoch FROM updated_at) * 1000000)::bigint AS updated_at,
  (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now FROM accounts WHERE id = $1 FOR NO KEY UPDATE`;
const POST = `SELECT post_dated_transfers($1, array_fill('transfer'::transfer_kind, ARRAY[$2::integer]), array_fill('KRW'::text, ARRAY[$2::integer]),
  $3, $4, $5, $6, $7, array_fill(NULL::uuid, ARRAY[$2::integer]), array_fill(''::text, ARRAY[$2::integer]), array_fill(NULL::text, ARRAY[$2::integer]),
  ARRAY(SELECT to_timestamp(m / 1000000.0) FROM unnest($8::bigint[]) WITH ORDINALITY AS u (m, place) ORDER BY place))`;
/** How many of a hundred transactions are rolled back. */
const ROLLED_BACK = 3;

interface Locked {
  readonly id: string;
  balance: bigint;
  updatedAt: number;
}

/** Makes a transaction; `beforeCommit` takes the place of the pause. Throws what Postgres does; then it may or may not be committed. */
export async function writeOnce(writing: Writing, beforeCommit?: (ids: readonly string[]) => Promise<void>) {
  const { pool, random, longestMs } = writing;
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await client.query('BEGIN');
    const ids = await post(client, writing);
    if (beforeCommit) await beforeCommit(ids);
    else await sleep(random() < 0.9 ? (random() * longestMs) / 10 : random() * longestMs);
    await client.query(!beforeCommit && random() * 100 < ROLLED_BACK ? 'ROLLBACK' : 'COMMIT');
  } catch (error) {
    broken ??= error as Error;
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

async function post(client: pg.PoolClient, { accounts, batch, random }: Writing): Promise<string[]> {
  const places = new Set<number>();
  while (places.size < 3) places.add(Math.floor(random() * accounts.length));
  const locked: Locked[] = [];
  let now = 0;
  for (const place of [...places].sort((one, other) => one - other)) {
    const id = accounts[place] ?? '';
    const { rows } = await client.query(LOCK, [id]);
    locked.push({ id, balance: BigInt(rows[0].balance), updatedAt: Number(rows[0].updated_at) });
    now = Number(rows[0].now);
    // Others get their numbers meanwhile, and the accounts that come next.
    await sleep(random() * 3);
  }
  const moment = Math.max(now, ...locked.map(({ updatedAt }) => updatedAt + 1));
  const transfers = Array.from({ length: batch }, (_, count) => {
    const from = Math.floor(random() * locked.length);
    const debit = locked[from] as Locked;
    const credit = locked[(from + 1) % locked.length] as Locked;
    const amount = BigInt(1 + Math.floor(random() * 100));
    debit.balance -= amount;
    credit.balance += amount;
    const id = transferId(moment, count, cryptoRandom);
    return { id, amount, debit: debit.id, credit: credit.id, left: debit.balance, got: credit.balance };
  });
  const column = <T>(read: (transfer: (typeof transfers)[number]) => T) => transfers.map(read);
  await client.query(POST, [
    column(({ id }) => id),
    batch,
    column(({ amount }) => amount),
    column(({ debit }) => debit),
    column(({ credit }) => credit),
    column(({ left }) => left),
    column(({ got }) => got),
    column(() => moment),
  ]);
  return column(({ id }) => id);
}
