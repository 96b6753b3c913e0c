// Wallets that a batch renames, makes default wallets, or closes.
import type { Account } from '../account.ts';
import type { ClosingFacts } from '../closing.ts';
import { InvariantError } from '../error-fields.ts';
import type { LedgerBatch } from './ledger-batch.ts';

declare module './ledger-batch.ts' {
  interface ReadSet {
    /** A wallet that is to be closed; it must be listed, whose lock guards what is read of it. */
    readonly closing?: string;
  }
  interface LedgerBatch {
    readonly walletChanges: WalletChanges;
  }
}

/** The wallets that one batch changes otherwise than by moving money. */
export class WalletChanges {
  readonly #batch: LedgerBatch;
  readonly #facts: ReadonlyMap<string, ClosingFacts>;
  readonly #changedIds = new Set<string>();

  constructor(facts: ReadonlyMap<string, ClosingFacts>, batch: LedgerBatch) {
    this.#facts = facts;
    this.#batch = batch;
  }

  /** What closing a wallet depends on: what was read, and what earlier calls of the batch set aside and opened. */
  closingFacts(walletId: string): ClosingFacts {
    const facts = this.#facts.get(walletId);
    if (!facts) throw new InvariantError(`the batch has not read what closing wallet ${walletId} depends on`);
    const { accounts, sprinkles, payouts } = this.#batch;
    const { ownerUserId } = accounts.get(walletId);
    const fillsPots =
      sprinkles.created.some(({ sprinkle }) => sprinkle.sourceAccountId === walletId) ||
      payouts
        .changed()
        .some(({ payout }) => payout.state === 'running' && payout.sourceAccountId === walletId);
    const opened = accounts
      .opened()
      .filter((one) => one.kind === 'wallet' && one.ownerUserId === ownerUserId);
    return {
      hasOpenPots: facts.hasOpenPots || fillsPots,
      openBeside: facts.openBeside + opened.length,
    };
  }

  /** Replaces a wallet by what was made of it. Its version counts one change a batch, as change_wallets() does in Postgres. */
  update(wallet: Account): void {
    const { accounts, undo } = this.#batch;
    const before = accounts.get(wallet.id);
    const isFirst = !this.#changedIds.has(wallet.id);
    if (isFirst) this.#changedIds.add(wallet.id);
    accounts.replace({ ...wallet, version: before.version + (isFirst ? 1 : 0) });
    undo.push(() => {
      if (isFirst) this.#changedIds.delete(wallet.id);
      accounts.replace(before);
    });
  }

  /** The wallets that the batch changed, as they are now. */
  changed(): Account[] {
    return [...this.#changedIds].map((id) => this.#batch.accounts.get(id));
  }
}
