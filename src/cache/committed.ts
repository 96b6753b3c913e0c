// Keeps the entries that the ledger's batches change in step with their commits: wallets, and the tokens of new sprinkles.
import { leftMsOf } from '../db/reads/index.ts';
import type { AfterCommit, Changes } from '../ledger/index.ts';
import { updateOf } from './entry.ts';
import { TOKEN, tokenId, WALLET } from './kinds.ts';
import type { CacheWriter } from './write.ts';

/** The ledger's `beforeCommit`: sets all tombstones in one command before a commit, and replaces them after it in another. */
export function cacheCommitted(
  cache: Pick<CacheWriter, 'setTombstones' | 'publish'>,
): (changes: Changes) => Promise<AfterCommit> {
  return async ({ accounts, restated, newSprinkles }) => {
    const updates = [
      ...[...accounts, ...restated]
        .filter(({ kind }) => kind === 'wallet')
        .map((account) => updateOf(WALLET, account.id, account)),
      ...newSprinkles.map((sprinkle) =>
        updateOf(TOKEN, tokenId(sprinkle.roomId, sprinkle.token), {
          sprinkle,
          leftMs: leftMsOf(sprinkle, sprinkle.createdAt),
        }),
      ),
    ];
    if (updates.length === 0) return () => undefined;
    const tombstones = await cache.setTombstones(updates);
    return () => cache.publish(tombstones, updates);
  };
}
