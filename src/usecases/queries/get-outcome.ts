// Reads the outcome of an idempotency key without moving money.

import type { CallInfo } from '../../domain/batch/command.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import type { StoredAnswer } from '../../ledger/index.ts';
import type { Core } from '../core.ts';

/** The outcome of a key. */
export type KeyOutcome =
  | ({ readonly state: 'posted' } & StoredAnswer)
  /** No attempt that was sent before this call can still post. */
  | { readonly state: 'not-posted' }
  /** An attempt is being written. */
  | { readonly state: 'undecided' };

/** Refuses nothing. */
export async function getOutcome(
  { storedAnswers }: Core,
  userId: bigint,
  key: string,
  { made }: CallInfo,
): Promise<KeyOutcome> {
  if (!made) throw new InvariantError('only a caller asks what became of its calls');
  const kept = await storedAnswers.find(userId, key);
  if (kept) return { state: 'posted', ...kept };
  const ended = await storedAnswers.endAttempts(userId, key, made.signedAt);
  if (ended === 'ended') return { state: 'not-posted' };
  const written = ended === 'posted' ? await storedAnswers.find(userId, key) : undefined;
  return written ? { state: 'posted', ...written } : { state: 'undecided' };
}
