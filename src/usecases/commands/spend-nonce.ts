// Makes sure that a signed call is done once, whatever happens to Redis.
import type { SignedNonce } from '../../db/nonces.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';

/** Refuses NONCE_REUSED. Without Postgres it throws, and the call is not done. */
export async function spendNonce({ nonces }: Core, used: SignedNonce, keptMs: number): Promise<void> {
  if (!(await nonces.use(used, keptMs))) throw new Refusal('NONCE_REUSED');
}
