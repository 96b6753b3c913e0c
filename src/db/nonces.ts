// The nonces of calls that change something and have no idempotency key, where nothing forgets them.
import type { Pool } from './pool.ts';

const USE = 'SELECT use_nonce($1, $2, $3, $4) AS is_new';

/** A nonce as a signature brought it. */
export interface SignedNonce {
  readonly keyId: string;
  readonly nonce: string;
  /** The edge's own id of the request; empty where no edge is between. */
  readonly edgeRequestId: string;
}

/** Notes a nonce, on disk; false where it was used before, unless by the same request of the edge. */
export async function useNonce(pool: Pool, used: SignedNonce, keptMs: number): Promise<boolean> {
  const values = [used.keyId, used.nonce, used.edgeRequestId, keptMs];
  const { rows } = await pool.query<{ is_new: boolean }>({ name: 'use-nonce', text: USE, values });
  return rows[0]?.is_new === true;
}
