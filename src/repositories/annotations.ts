// References and labels that users attached to what they made.
import { LRUCache } from 'lru-cache';
import { findAnnotations, findSubject } from '../db/reads/index.ts';
import type { AnnotationSubject, OwnedAnnotation } from '../domain/annotation.ts';
import type { ReadSources } from './sources.ts';

/** Finds things by what is attached to them, and the other way round. Everything throws what Postgres does. */
export interface AnnotationRepository {
  /** The id of what a user gave a reference to, also where it is a transfer in the archive. */
  findSubject(userId: bigint, subject: AnnotationSubject, reference: string): Promise<string | undefined>;
  /** What is attached to these wallets, which exist, by id; undefined where there is nothing. */
  ofWallets(ids: readonly string[]): Promise<ReadonlyMap<string, OwnedAnnotation | undefined>>;
}

/** What is attached to a wallet never changes, so each process remembers it of the latest ones: this many, mostly nothing. */
const MAX_WALLETS = 100_000;

export function createAnnotationRepository({
  primary,
  readFromReplica,
}: Pick<ReadSources, 'primary' | 'readFromReplica'>): AnnotationRepository {
  const known = new LRUCache<string, { readonly annotation: OwnedAnnotation | undefined }>({
    max: MAX_WALLETS,
  });
  return {
    findSubject: (userId, subject, reference) =>
      readFromReplica((db) => findSubject(db, userId, subject, reference)),
    async ofWallets(ids) {
      const missing = ids.filter((id) => !known.has(id));
      // From the primary: the wallet may be younger than what a replica has.
      const found = missing.length === 0 ? new Map() : await findAnnotations(primary, missing);
      for (const [id, annotation] of found) known.set(id, { annotation });
      return new Map(ids.map((id) => [id, found.get(id) ?? known.get(id)?.annotation]));
    },
  };
}
