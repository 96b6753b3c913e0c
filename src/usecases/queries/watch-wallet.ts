// Streams a wallet to its user: every transaction behind a cursor, once and in order, and the wallet as it is.
import type { TransferPlace } from '../../db/reads/index.ts';
import type { Account } from '../../domain/account.ts';
import { refuseField } from '../../domain/refusal.ts';
import { walletStateAt } from '../../domain/restriction.ts';
import { MICROS_PER_MS } from '../../domain/time.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import { QUIET, type WalletChange, type WalletPresent } from '../../repositories/index.ts';
import type { Core } from '../core.ts';
import { getWallet } from './get-wallets.ts';
import { seenFrom, type Transaction } from './list-transactions.ts';

/** After this time without a message a heartbeat is sent, in milliseconds, because proxies cut idle streams. */
const HEARTBEAT_MS = 15_000;
/**
 * A reader that was up to date and is now further behind than this is told of a gap. A wallet would have to take 4,000
 * transfers a second for a reader that is not slow to get there between two polls.
 */
const MAX_BEHIND = 2000;
/** Transfers that are read at a time where many follow a cursor: some 200 KB, which a reader that takes nothing holds of memory. */
const CATCH_UP_PAGE = 200;

/** What a stream tells, and where it is in the wallet's history after it: behind the transfer of that moment and id. */
export type WalletEvent = { readonly place: TransferPlace } & (
  | { readonly snapshot: Account }
  | { readonly transaction: Transaction }
  /** What follows this place was left out. */
  | { readonly gapAfter: TransferPlace }
  | { readonly isHeartbeat: true }
);

/** Where a stream goes on, and the field of the request that says so. */
export interface ResumedAt {
  readonly place: TransferPlace;
  readonly field: string;
}

/** The field that names the cursor of a stream that began without one. */
const CURSOR_FIELD = 'after_cursor';

/**
 * Yields everything that follows a place in a wallet's history, and then what happens, until the wallet is closed. Without a
 * place it begins with the wallet as it is. Nothing is read ahead of the reader but one page. docs/internals/streams.md proves
 * that nothing is missed and nothing comes twice.
 *
 * Refuses WALLET_NOT_FOUND, FEED_RESTARTED where the transfer of a place is gone, and rejects with the signal's reason once that
 * is aborted.
 */
export async function* watchWallet(
  core: Core,
  userId: bigint,
  walletId: string,
  after: ResumedAt | undefined,
  isOver: AbortSignal,
): AsyncGenerator<WalletEvent> {
  await getWallet(core, userId, { walletId, field: 'wallet_id' });
  if (after) return yield* tell(new WalletStream(core, walletId, after, isOver));
  const present = existing(await core.watches.present(walletId));
  const stream = new WalletStream(core, walletId, { place: present.place, field: CURSOR_FIELD }, isOver);
  yield stream.show(present);
  yield* tell(stream);
}

async function* tell(stream: WalletStream): AsyncGenerator<WalletEvent> {
  while (!stream.hasEnded()) yield* stream.following();
}

/** Where a stream is, and what its reader was told. */
class WalletStream {
  readonly #core: Core;
  readonly #walletId: string;
  readonly #isOver: AbortSignal;
  readonly #cursorField: string;
  #place: TransferPlace;
  /** The wallet as it was shown last, and when by this process's clock; undefined before the first time. */
  #shown: Account | undefined;
  #shownAt = 0;
  /** The wallet when the reader was last up to date; undefined before that, and while it catches up. */
  #known: Account | undefined;

  constructor(core: Core, walletId: string, { place, field }: ResumedAt, isOver: AbortSignal) {
    this.#core = core;
    this.#walletId = walletId;
    this.#place = place;
    this.#cursorField = field;
    this.#isOver = isOver;
  }

  /** Whether nothing more can happen with the wallet, and the reader knows that. */
  hasEnded(): boolean {
    return this.#shown?.restriction?.closedAt !== undefined && this.#shown === this.#known;
  }

  /** The wallet as it is, in place of everything that led there. */
  show({ wallet, place }: WalletPresent): WalletEvent {
    this.#place = place;
    this.#known = wallet;
    return this.#snapshot(wallet);
  }

  /** What follows the place, which is waited for where the reader is up to date. */
  async *following(): AsyncGenerator<WalletEvent> {
    const change = await this.#change();
    if (change === QUIET) return yield this.#quiet();
    if (!change.isPlaceThere || change.hasMore) return yield* this.#catchUp(change);
    yield* this.#transactions(change.transfers);
    const { wallet } = change;
    this.#known = wallet;
    if (!this.#shown || differs(wallet, this.#shown)) yield this.#snapshot(wallet);
  }

  async #change(): Promise<WalletChange | typeof QUIET> {
    const { watches } = this.#core;
    if (!this.#known) return existing(await watches.since(this.#walletId, this.#place));
    const known = { walletId: this.#walletId, place: this.#place, version: this.#known.version };
    return existing(await watches.next(known, HEARTBEAT_MS, this.#isOver));
  }

  /** More than a page follows, or the transfer of the place is in the archive, or it is gone. */
  async *#catchUp({ wallet, isPlaceThere }: WalletChange): AsyncGenerator<WalletEvent> {
    const place = this.#place;
    const { watches, transfers } = this.#core;
    if (!isPlaceThere && !(await watches.has(this.#walletId, place)))
      throw refuseField('FEED_RESTARTED', this.#cursorField);
    if (this.#known && wallet.version - this.#known.version > MAX_BEHIND) {
      const present = existing(await watches.present(this.#walletId));
      yield { place: present.place, gapAfter: place };
      return yield this.show(present);
    }
    this.#known = undefined;
    for await (const page of transfers.historyAfter(this.#walletId, place, CATCH_UP_PAGE))
      yield* this.#transactions(page);
  }

  *#transactions(transfers: readonly PostedTransfer[]): Generator<WalletEvent> {
    for (const posted of transfers) {
      const { createdAt, id } = posted.transfer;
      this.#place = { createdAt, id };
      yield { place: this.#place, transaction: seenFrom(this.#walletId, posted) };
    }
  }

  /** A freeze whose end has passed changes no row. */
  #quiet(): WalletEvent {
    const { restriction } = this.#shown ?? {};
    const now = Date.now() * MICROS_PER_MS;
    if (this.#known && walletStateAt(restriction, now) !== walletStateAt(restriction, this.#shownAt))
      return this.#snapshot(this.#known);
    return { place: this.#place, isHeartbeat: true };
  }

  #snapshot(wallet: Account): WalletEvent {
    this.#shown = wallet;
    this.#shownAt = Date.now() * MICROS_PER_MS;
    return { place: this.#place, snapshot: wallet };
  }
}

/** Whether a wallet has changed in what its transactions do not say. */
function differs(wallet: Account, shown: Account): boolean {
  const fields = ['displayName', 'isDefault', 'heldAmount'] as const;
  return (
    fields.some((field) => wallet[field] !== shown[field]) ||
    JSON.stringify(wallet.restriction) !== JSON.stringify(shown.restriction)
  );
}

/** Only a restored database lacks a wallet that there was. */
function existing<T>(found: T | undefined): T {
  if (found === undefined) throw refuseField('WALLET_NOT_FOUND', 'wallet_id');
  return found;
}
