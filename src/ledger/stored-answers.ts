// Reads the answer stored under an idempotency key, and ends the attempts under it that are still on their way.

import { LOCK_NOT_AVAILABLE, type Pool, sqlState } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { OR_LATER_MARK } from './facets/answers.ts';
import { readOutcome } from './outcome-json.ts';

/** A stored answer. */
export interface StoredAnswer {
  readonly outcome: unknown;
  /** The RPC that gave it; undefined on answers from before this was noted. */
  readonly rpc: string | undefined;
}

const FIND = `
  SELECT outcome::text, rpc FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND outcome IS NOT NULL`;

/**
 * Leaves a mark. Every attempt that arrived here before this moment is earlier than the mark; of those still on the
 * network, every one that was signed no later. It waits for an answer that is being written.
 */
const END_ATTEMPTS = `
  INSERT INTO idempotency_keys AS k (user_id, key, signed_at, created_at) VALUES ($1, $2, $3, clock_timestamp())
  ${OR_LATER_MARK}`;

/** How long to wait for an answer that is being written, in milliseconds: longer than a batch takes on a healthy machine. */
const WAIT_MS = 1_000;

/** The answer stored under a key; undefined if there is none on disk. */
export async function findStoredAnswer(
  pool: Pool,
  userId: bigint,
  key: string,
): Promise<StoredAnswer | undefined> {
  const { rows } = await pool.query<{ outcome: string; rpc: string | null }>({
    name: 'find-kept',
    text: FIND,
    values: [userId, key],
  });
  return rows[0] && { outcome: readOutcome(rows[0].outcome), rpc: rows[0].rpc ?? undefined };
}

/**
 * Ensures that no attempt under a key that has arrived, or was signed in this second or before, still posts. `posted` if
 * an answer is there already, `busy` if one is being written.
 */
export async function endAttempts(
  pool: Pool,
  userId: bigint,
  key: string,
  signedAt: number,
): Promise<'ended' | 'posted' | 'busy'> {
  try {
    const { rowCount } = await inTransaction(pool, async (client) => {
      await client.query(`SET LOCAL lock_timeout = ${WAIT_MS}`);
      return client.query({ name: 'end-attempts', text: END_ATTEMPTS, values: [userId, key, signedAt] });
    });
    return rowCount === 1 ? 'ended' : 'posted';
  } catch (error) {
    if (sqlState(error) === LOCK_NOT_AVAILABLE) return 'busy';
    throw error;
  }
}
