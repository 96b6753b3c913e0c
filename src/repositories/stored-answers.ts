// Answers that are stored under idempotency keys, from the primary: what became of a key.
import type { Micros } from '../domain/time.ts';
import { endAttempts, findStoredAnswer, type StoredAnswer } from '../ledger/index.ts';
import type { ReadSources } from './sources.ts';

/** Reads stored answers. Everything throws what Postgres does. */
export interface StoredAnswerRepository {
  /** Undefined where nothing was posted under the key. */
  find(userId: bigint, key: string): Promise<StoredAnswer | undefined>;
  /** Sees to it that no attempt which was signed before can still post; says whether one has posted or is about to. */
  endAttempts(userId: bigint, key: string, signedBefore: Micros): ReturnType<typeof endAttempts>;
}

export function createStoredAnswerRepository({
  primary,
}: Pick<ReadSources, 'primary'>): StoredAnswerRepository {
  return {
    find: (userId, key) => findStoredAnswer(primary, userId, key),
    endAttempts: (userId, key, signedBefore) => endAttempts(primary, userId, key, signedBefore),
  };
}
