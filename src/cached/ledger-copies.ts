// Keeps the copies of what the ledger's batches change right: wallets, and the tokens of new sprinkles.

import { leftMsOf } from '../db/reads/tokens.ts';
import type { AfterCommit, Changes } from '../ledger/index.ts';
import { changed, type Marks } from '../redis/index.ts';
import { TOKEN, tokenId } from './tokens.ts';
import { WALLET } from './wallets.ts';

/** What a batch does before its commit: marks all copies in one command, and puts the new ones after in another. */
export function copiesOf(cache: Marks): (changes: Changes) => Promise<AfterCommit> {
  return async ({ accounts, restated, newSprinkles }) => {
    const changes = [
      ...[...accounts, ...restated]
        .filter(({ kind }) => kind === 'wallet')
        .map((account) => changed(WALLET, account.id, account)),
      ...newSprinkles.map((sprinkle) =>
        changed(TOKEN, tokenId(sprinkle.roomId, sprinkle.token), {
          sprinkle,
          leftMs: leftMsOf(sprinkle, sprinkle.createdAt),
        }),
      ),
    ];
    if (changes.length === 0) return () => undefined;
    const marked = await cache.mark(changes);
    return () => cache.settle(marked, changes);
  };
}
