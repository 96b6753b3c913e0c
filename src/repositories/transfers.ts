// Transfers: a wallet's newest ones through the cache, lookups and long histories from the replica, old months from the archive.
import { NEWEST_TRANSFERS } from '../cache/index.ts';
import {
  findFunderAnywhere,
  findTransferAnywhere,
  findTransfersAnywhere,
  type HistoryPage,
  type HistoryPlace,
  historyAfter,
  historyFrom,
  listTransfersAnywhere,
  readHistory,
} from '../db/archive/index.ts';
import { listRefunds, type TransferPlace, withHolds } from '../db/reads/index.ts';
import type { Account } from '../domain/account.ts';
import { type Page, pageOf } from '../domain/page.ts';
import { END_OF_TIME, type Micros } from '../domain/time.ts';
import type { PostedTransfer } from '../domain/transfer.ts';
import { isEverything, type TransferFilter } from '../domain/transfer-filter.ts';
import { createTurns } from '../resilience/index.ts';
import type { ReadSources } from './sources.ts';
import { listFiltered } from './transfer-filters.ts';

/** Reads transfers. Everything throws what Postgres does. */
export interface TransferRepository {
  /** Undefined when there is none with this id. */
  find(id: string): Promise<PostedTransfer | undefined>;
  /** The transfers of one batch by their ids; those that do not exist are left out. */
  findMany(ids: readonly string[]): Promise<ReadonlyMap<string, PostedTransfer>>;
  /**
   * What came into and went out of a wallet, newest first, one page. A page of a filter may have fewer items than its size, or
   * none, and be followed by another one: what it reads is bounded.
   */
  list(
    wallet: Account,
    filter: TransferFilter,
    after: TransferPlace | undefined,
    size: number,
  ): Promise<Page<PostedTransfer, TransferPlace>>;
  /**
   * Everything that came into and went out of a wallet from a moment on and before another, oldest first, in pages. It has
   * no connection while nobody asks for the next page, and is at most one page ahead.
   */
  history(walletId: string, from: Micros, before: Micros): AsyncGenerator<readonly PostedTransfer[]>;
  /** Everything behind a place, oldest first, in pages of `size`, each of them read when it is asked for. */
  historyAfter(
    walletId: string,
    place: TransferPlace,
    size: number,
  ): AsyncGenerator<readonly PostedTransfer[]>;
  /** The transfers that refund one, newest first, one page. */
  listRefunds(
    transferId: string,
    after: TransferPlace | undefined,
    size: number,
  ): Promise<Page<PostedTransfer, TransferPlace>>;
  /** The wallet that filled a pot; undefined for an account that is no pot. */
  funderOf(potId: string): Promise<string | undefined>;
}

/** Transfers in a cache entry: the default page size, and one more that says whether another page follows. */
const CACHED_TRANSFERS = 21;
/** Transfers in a page of a history: half a megabyte of memory, read in some 10 ms. */
const HISTORY_PAGE = 1000;
/** Pages of histories that a process reads at a time, so that they leave connections to other reads. */
const HISTORY_READS = 2;
const EVERYTHING: TransferFilter = { kinds: undefined, from: undefined, before: undefined };

export function createTransferRepository(sources: ReadSources): TransferRepository {
  const { cache, primary, readFromReplica, archive } = sources;

  const inTurn = createTurns(HISTORY_READS);
  const historyPage = (walletId: string, place: HistoryPlace, before: Micros, size = HISTORY_PAGE) =>
    inTurn(() =>
      readFromReplica(async (db) => {
        const page = await readHistory({ reads: db, archive }, walletId, place, before, size);
        return { ...page, items: await withHolds(db, page.items) };
      }),
    );

  const newest = async (wallet: Account): Promise<readonly PostedTransfer[]> => {
    const places = { reads: primary, archive };
    const load = async () =>
      withHolds(
        primary,
        (await listTransfersAnywhere(places, wallet, EVERYTHING, undefined, CACHED_TRANSFERS)).items,
      );
    return (await cache.read(NEWEST_TRANSFERS, `${wallet.id}:${wallet.version}`, load)) ?? [];
  };

  return {
    find: (id) =>
      readFromReplica(async (db) => {
        const found = await findTransferAnywhere({ reads: db, archive }, id);
        return found && (await withHolds(db, [found]))[0];
      }),
    findMany: async (ids) => {
      const found = await findTransfersAnywhere({ reads: primary, archive }, ids);
      const posted = await withHolds(primary, [...found.values()]);
      return new Map(posted.map((one) => [one.transfer.id, one]));
    },
    list: async (wallet, filter, after, size) => {
      if (!after && isEverything(filter) && size < CACHED_TRANSFERS)
        return pageOf(await newest(wallet), size, ({ transfer }) => transfer);
      return readFromReplica(async (db) => {
        const page = await listFiltered({ reads: db, archive }, wallet, filter, after, size);
        return { ...page, items: await withHolds(db, page.items) };
      });
    },
    history: async function* (walletId, from, before) {
      let page = historyPage(walletId, historyFrom(from), before);
      for (;;) {
        const { items, next } = await page;
        if (!next) return yield items;
        page = historyPage(walletId, next, before);
        // Nobody may be left to hear of it.
        page.catch(() => {});
        yield items;
      }
    },
    historyAfter: async function* (walletId, place, size) {
      let next: HistoryPlace | undefined = historyAfter(place);
      while (next) {
        const page: HistoryPage = await historyPage(walletId, next, END_OF_TIME, size);
        yield page.items;
        next = page.next;
      }
    },
    listRefunds: (transferId, after, size) =>
      readFromReplica(async (db) => {
        const page = await listRefunds(db, transferId, after, size);
        const places = { reads: db, archive };
        const found = await findTransfersAnywhere(
          places,
          page.items.map(({ id }) => id),
        );
        return { ...page, items: page.items.flatMap(({ id }) => found.get(id) ?? []) };
      }),
    funderOf: (potId) => findFunderAnywhere({ reads: primary, archive }, potId),
  };
}
