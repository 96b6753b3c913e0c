// The holds of a batch: made, captured and ended, each together with the transfer that empties or fills its pot.
import { InvariantError } from '../error-fields.ts';
import type { Hold } from '../hold.ts';
import { remainingOf } from '../hold.ts';
import type { LedgerBatch } from './ledger-batch.ts';

declare module './ledger-batch.ts' {
  interface ReadSet {
    /** A hold; its wallet and its pot must be listed among the accounts, which locks it. */
    readonly holdId?: string;
  }
  interface LedgerBatch {
    readonly holds: Holds;
  }
}

/** The holds of one batch. */
export class Holds {
  readonly #batch: LedgerBatch;
  readonly #holds = new Map<string, Hold>();
  readonly #changed = new Map<string, Hold>();
  readonly created: Hold[] = [];

  constructor(loaded: Iterable<Hold>, batch: LedgerBatch) {
    this.#batch = batch;
    for (const hold of loaded) this.#holds.set(hold.id, hold);
  }

  /** A hold that the batch has loaded. */
  get(id: string): Hold {
    const hold = this.#holds.get(id);
    if (!hold) throw new InvariantError(`the batch has not loaded hold ${id}`);
    return hold;
  }

  /** Adds a new hold, whose pot has been filled. */
  add(hold: Hold): void {
    this.#batch.undo.append(this.created, hold);
    this.#setAside(hold, hold.amount, true);
  }

  /** Replaces a hold by its new state, once its pot has paid. */
  update(hold: Hold): void {
    const { undo } = this.#batch;
    const [before, isFirst] = [this.get(hold.id), !this.#changed.has(hold.id)];
    undo.set(this.#holds, hold.id, hold);
    undo.set(this.#changed, hold.id, hold);
    this.#setAside(hold, remainingOf(hold) - remainingOf(before), isFirst);
  }

  /** The holds that the batch changed, as they are now. */
  changed(): Hold[] {
    return [...this.#changed.values()];
  }

  /** Changes what a wallet holds. Its version counts each hold that a batch writes once, as follow_holds() does in Postgres. */
  #setAside({ walletId }: Hold, change: bigint, isFirst: boolean): void {
    const { accounts, undo } = this.#batch;
    const wallet = accounts.get(walletId);
    const version = isFirst ? wallet.version + 1 : wallet.version;
    accounts.replace({ ...wallet, heldAmount: wallet.heldAmount + change, version });
    undo.push(() => accounts.replace(wallet));
  }
}
