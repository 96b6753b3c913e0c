// Reads what is new of the wallets that somebody watches: one statement finds those that have changed, one what happened with them.
import { type NewsOrQuiet, QUIET } from '../../resilience/index.ts';
import type { Pool } from '../pool.ts';
import { plainArray } from '../sql.ts';
import { readChanges, type WalletChange, type WatchedPlace } from './wallet-changes.ts';

/** Wallets whose changes one statement reads: with WATCH_PAGE transfers each, some 10 MB at most. */
const WALLETS_AT_A_TIME = 100;

/** What a watcher of a wallet has. */
export interface Watched extends WatchedPlace {
  /** Of the wallet, as it was last read. */
  readonly version: number;
}

/** Where the database was restored, a version goes back, or the wallet does not exist. */
const CHANGED = `
  SELECT w.id FROM unnest($1::uuid[], $2::bigint[]) AS w (id, version) LEFT JOIN accounts a ON a.id = w.id
  WHERE a.version IS DISTINCT FROM w.version`;

/**
 * What has happened with each of the wallets, in their order; undefined for one that does not exist. A wallet that nothing happened
 * with costs a probe of an index.
 */
export async function findWalletNews(
  primary: Pool,
  watched: readonly Watched[],
): Promise<NewsOrQuiet<WalletChange | undefined>[]> {
  const news: NewsOrQuiet<WalletChange | undefined>[] = watched.map(() => QUIET);
  const changed = await findChanged(primary, watched);
  for (let start = 0; start < changed.length; start += WALLETS_AT_A_TIME) {
    const some = changed.slice(start, start + WALLETS_AT_A_TIME);
    const changes = await readChanges(
      primary,
      some.map((index) => watched[index] as Watched),
    );
    for (const [at, index] of some.entries()) news[index] = changes[at];
  }
  return news;
}

/** The indexes of those whose wallet is not as they know it. */
async function findChanged(primary: Pool, watched: readonly Watched[]): Promise<number[]> {
  const values = [
    plainArray(watched.map(({ walletId }) => walletId)),
    plainArray(watched.map(({ version }) => version)),
  ];
  const { rows } = await primary.query<{ id: string }>({ name: 'changed-wallets', text: CHANGED, values });
  if (rows.length === 0) return [];
  const changed = new Set(rows.map(({ id }) => id));
  return watched.flatMap(({ walletId }, index) => (changed.has(walletId) ? [index] : []));
}
