// What watchers of wallets are told, from the primary: they see each transaction as soon as it is committed.
import { findTransferAnywhere, listTransfersAnywhere } from '../db/archive/index.ts';
import type { TransferPlace } from '../db/reads/index.ts';
import {
  BEFORE_ALL,
  findPresent,
  findWalletNews,
  readChanges,
  type WalletChange,
  type Watched,
} from '../db/watch/index.ts';
import type { Account } from '../domain/account.ts';
import { createPoller, type NewsOrQuiet } from '../resilience/index.ts';
import type { ReadSources } from './sources.ts';

export type { WalletChange } from '../db/watch/index.ts';

/** Poll interval in milliseconds. */
const POLL_AFTER_MS = 500;

/** A wallet, and the place of its last transfer in its history, or the one before all. */
export interface WalletPresent {
  readonly wallet: Account;
  readonly place: TransferPlace;
}

/** Reads how wallets change. Everything throws what Postgres does. */
export interface WatchRepository {
  /** A wallet as it is now; undefined where there is none by that id. */
  present(walletId: string): Promise<WalletPresent | undefined>;
  /** What follows a place in a wallet's history; undefined where there is no such wallet. */
  since(walletId: string, place: TransferPlace): Promise<WalletChange | undefined>;
  /**
   * What has happened with a wallet, half a second after it at most; QUIET where nothing has within `quietMs`
   * milliseconds, and undefined where there is no such wallet. All who wait share one poll. Rejects with the signal's reason
   * once that is aborted.
   */
  next(known: Watched, quietMs: number, signal: AbortSignal): Promise<NewsOrQuiet<WalletChange | undefined>>;
  /** Whether the transfer of a place in a wallet's history exists, in the ledger or in the archive; one before all always does. */
  has(walletId: string, place: TransferPlace): Promise<boolean>;
}

export function createWatchRepository(sources: Pick<ReadSources, 'primary' | 'archive'>): WatchRepository {
  const { primary, archive } = sources;
  const places = { reads: primary, archive };
  const poller = createPoller(POLL_AFTER_MS, (watched: readonly Watched[]) =>
    findWalletNews(primary, watched),
  );

  /** Of a wallet whose transfers are all in the archive: nothing is added there that is not months old. */
  const lastArchived = async (wallet: Account): Promise<TransferPlace> => {
    const everything = { from: undefined, before: undefined };
    const [last] = (await listTransfersAnywhere(places, wallet, everything, undefined, 1)).items;
    return last ? { createdAt: last.transfer.createdAt, id: last.transfer.id } : BEFORE_ALL;
  };

  return {
    present: async (walletId) => {
      const present = await findPresent(primary, walletId);
      if (!present) return undefined;
      const { wallet, place } = present;
      return { wallet, place: place ?? (archive ? await lastArchived(wallet) : BEFORE_ALL) };
    },
    since: async (walletId, place) => (await readChanges(primary, [{ walletId, place }]))[0],
    next: poller.next,
    has: async (walletId, place) => {
      if (place.id === BEFORE_ALL.id) return true;
      const found = (await findTransferAnywhere(places, place.id))?.transfer;
      if (found?.createdAt !== place.createdAt) return false;
      return walletId === found.debitAccountId || walletId === found.creditAccountId;
    },
  };
}
