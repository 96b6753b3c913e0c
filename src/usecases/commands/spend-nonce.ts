// Ensures that a signed call is accepted once, even if Redis loses its nonces.
import type { SignedNonce } from '../../db/nonces.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';

/** Refuses NONCE_REUSED. It throws if Postgres is away, and then the call is not done. */
export async function spendNonce({ nonces }: Core, used: SignedNonce, keptMs: number): Promise<void> {
  if (!(await nonces.use(used, keptMs))) throw new Refusal('NONCE_REUSED');
}
