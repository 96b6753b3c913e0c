// Transfers: a wallet's newest ones through the cache, lookups and long histories from the replica, old months from the archive.
import { NEWEST_TRANSFERS } from '../cache/index.ts';
import { findTransferAnywhere, findTransfersAnywhere, listTransfersAnywhere } from '../db/archive/reads.ts';
import type { TransferFilter, TransferPlace } from '../db/reads/index.ts';
import type { Account } from '../domain/account.ts';
import { type Page, pageOf } from '../domain/page.ts';
import type { PostedTransfer } from '../domain/transfer.ts';
import type { ReadSources } from './sources.ts';

/** Reads transfers. Everything throws what Postgres does. */
export interface TransferRepository {
  /** Undefined when there is none with this id. */
  find(id: string): Promise<PostedTransfer | undefined>;
  /** The transfers of one batch by their ids; those that do not exist are left out. */
  findMany(ids: readonly string[]): Promise<ReadonlyMap<string, PostedTransfer>>;
  /** What came into and went out of a wallet, newest first, one page. */
  list(
    wallet: Account,
    filter: TransferFilter,
    after: TransferPlace | undefined,
    size: number,
  ): Promise<Page<PostedTransfer, TransferPlace>>;
}

/** Transfers in a cache entry: the default page size, and one more that says whether another page follows. */
const CACHED_TRANSFERS = 21;
const EVERYTHING: TransferFilter = { kinds: undefined, from: undefined, before: undefined };

export function createTransferRepository(sources: ReadSources): TransferRepository {
  const { cache, primary, readFromReplica, archive } = sources;

  const newest = async ({ id, version }: Account): Promise<readonly PostedTransfer[]> => {
    const places = { reads: primary, archive };
    const load = async () =>
      (await listTransfersAnywhere(places, id, EVERYTHING, undefined, CACHED_TRANSFERS)).items;
    return (await cache.read(NEWEST_TRANSFERS, `${id}:${version}`, load)) ?? [];
  };

  return {
    find: (id) => readFromReplica((db) => findTransferAnywhere({ reads: db, archive }, id)),
    findMany: (ids) => findTransfersAnywhere({ reads: primary, archive }, ids),
    list: async (wallet, filter, after, size) => {
      const isFirst = !after && !filter.kinds && filter.from === undefined && filter.before === undefined;
      if (isFirst && size < CACHED_TRANSFERS)
        return pageOf(await newest(wallet), size, ({ transfer }) => transfer);
      return readFromReplica((db) =>
        listTransfersAnywhere({ reads: db, archive }, wallet.id, filter, after, size),
      );
    },
  };
}
