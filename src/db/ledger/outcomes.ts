// What stands under an idempotency key, and ending the attempts that are on their way to it.
import type { Pool } from '../pool.ts';
import { sqlState } from '../pool.ts';
import { readOutcome } from './outcome-json.ts';

/** An answer that was kept. */
export interface Kept {
  readonly outcome: unknown;
  /** The RPC that gave it; undefined on answers from before this was noted. */
  readonly rpc: string | undefined;
}

const FIND = `
  SELECT outcome::text, rpc FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND outcome IS NOT NULL`;

/**
 * Every attempt that arrived here before this moment is earlier than the mark; of those that are still on the network,
 * every one that was signed no later. One that is being written is waited for.
 */
const END_ATTEMPTS = `
  INSERT INTO idempotency_keys AS k (user_id, key, signed_at, created_at) VALUES ($1, $2, $3, clock_timestamp())
  ON CONFLICT (user_id, key) DO UPDATE SET signed_at = greatest(k.signed_at, excluded.signed_at),
    created_at = greatest(k.created_at, excluded.created_at)
  WHERE k.outcome IS NULL`;

/** How long an attempt that is being written is waited for, in milliseconds: longer than a batch takes on a healthy machine. */
const WAIT_MS = 1_000;
const LOCK_NOT_AVAILABLE = '55P03';

/** The answer that was kept under a key; undefined where there is none, or none that is on disk. */
export async function findKept(pool: Pool, userId: bigint, key: string): Promise<Kept | undefined> {
  const { rows } = await pool.query<{ outcome: string; rpc: string | null }>({
    name: 'find-kept',
    text: FIND,
    values: [userId, key],
  });
  return rows[0] && { outcome: readOutcome(rows[0].outcome), rpc: rows[0].rpc ?? undefined };
}

/**
 * Sees to it that no attempt under a key that was signed at a second or before, or has arrived, still posts. Whether it
 * could: `posted` where an answer is there, `busy` where one is being written.
 */
export async function endAttempts(
  pool: Pool,
  userId: bigint,
  key: string,
  signedAt: number,
): Promise<'ended' | 'posted' | 'busy'> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(`BEGIN; SET LOCAL lock_timeout = ${WAIT_MS}`);
    const { rowCount } = await client.query({
      name: 'end-attempts',
      text: END_ATTEMPTS,
      values: [userId, key, signedAt],
    });
    await client.query('COMMIT');
    return rowCount === 1 ? 'ended' : 'posted';
  } catch (error) {
    await client.query('ROLLBACK').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    if (sqlState(error) === LOCK_NOT_AVAILABLE) return 'busy';
    throw error;
  } finally {
    client.release(broken);
  }
}
