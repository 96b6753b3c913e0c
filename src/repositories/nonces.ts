// Nonces of calls that change something and have no idempotency key, in the primary, where nothing forgets them.
import { type SignedNonce, useNonce } from '../db/nonces.ts';
import type { ReadSources } from './sources.ts';

/** Writes nonces. Throws what Postgres does. */
export interface NonceRepository {
  /** Records a nonce durably for `keptMs` milliseconds; false where it was used before, unless by the same request of the edge. */
  use(nonce: SignedNonce, keptMs: number): Promise<boolean>;
}

export function createNonceRepository({ primary }: Pick<ReadSources, 'primary'>): NonceRepository {
  return { use: (nonce, keptMs) => useNonce(primary, nonce, keptMs) };
}
