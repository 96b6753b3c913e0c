// The transfers of a batch: the one place where money moves.
import { type Account, credited, debited } from '../account.ts';
import { checkMemo } from '../bounds.ts';
import { InvariantError } from '../error-fields.ts';
import { checkRestrictions } from '../movement-rules.ts';
import { Refusal } from '../refusal.ts';
import { MICROS_PER_MS, type Micros } from '../time.ts';
import { type Transfer, type TransferKind, transferId } from '../transfer.ts';
import type { LedgerBatch } from './ledger-batch.ts';

declare module './ledger-batch.ts' {
  interface LedgerBatch {
    readonly transfers: Transfers;
  }
}

/**
 * How far a transfer may be dated ahead of the database's clock, in milliseconds. post_transfers() checks the same.
 * If the clock jumps back by more, accounts that were just in use stop until the clock has caught up; otherwise the wrong
 * time would spread from account to account with the money.
 */
const MAX_AHEAD_MS = 60_000;

/** A movement of money to post. */
export interface Movement {
  readonly kind: TransferKind;
  readonly debit: Account;
  readonly credit: Account;
  /** Above zero, in the smallest unit of the accounts' currency. */
  readonly amount: bigint;
  readonly memo?: string;
  readonly sprinkleId?: string;
  /** Whose money is in the pot that pays, where that may be the payee's own. */
  readonly potOwnerUserId?: bigint;
}

/** The transfers that a batch posts. */
export class Transfers {
  readonly #batch: LedgerBatch;
  /** The earliest moment for accounts whose last transfer is dated later than the clock; worked out with the first post. */
  #datedAhead: ReadonlyMap<string, Micros> | undefined;
  readonly posted: Transfer[] = [];
  /** Accounts for which calls were refused because their last transfer is dated too far ahead of the clock. */
  readonly accountsTooFarAhead = new Set<string>();

  constructor(batch: LedgerBatch) {
    this.#batch = batch;
  }

  /**
   * Moves money from one account to another. Refuses BALANCE_TOO_LOW, BALANCE_TOO_HIGH, INVALID_FIELD for the memo,
   * WALLET_FROZEN, WALLET_CLOSED and RECEIVER_UNAVAILABLE for wallets that may not pay or receive and, while limits are in force,
   * what Limits.count() refuses.
   */
  post(movement: Movement): Transfer {
    const { kind, debit, credit, amount, memo = '', sprinkleId } = movement;
    checkMemo(memo);
    const { accounts, at, callerId, limits, random, keyId, undo } = this.#batch;
    const payer = accounts.get(debit.id);
    const payee = accounts.get(credit.id);
    if (amount <= 0n || payer.id === payee.id || payer.currency !== payee.currency) {
      throw new InvariantError('a movement takes an amount above zero between two accounts of one currency');
    }
    if (payer.restriction || payee.restriction) checkRestrictions({ kind, payer, payee, at, callerId });
    const moment = this.#momentFor(payer, payee);
    const payerAfter = debited(payer, amount, moment);
    const payeeAfter = credited(payee, amount, moment);
    if (limits.isActive) limits.count(movement, payerAfter, payeeAfter);
    const transfer: Transfer = {
      id: transferId(moment, this.posted.length, random),
      createdAt: moment,
      kind,
      currency: payer.currency,
      amount,
      debitAccountId: payer.id,
      creditAccountId: payee.id,
      debitBalanceAfter: payerAfter.balance,
      creditBalanceAfter: payeeAfter.balance,
      sprinkleId,
      memo,
      keyId,
    };
    accounts.replace(payerAfter);
    accounts.replace(payeeAfter);
    this.posted.push(transfer);
    undo.push(() => {
      accounts.replace(payer);
      accounts.replace(payee);
      this.posted.pop();
    });
    return transfer;
  }

  /**
   * When a transfer between two accounts happens: now. If the clock was set back and an account's last transfer is dated
   * later, just after that one, so that each account's transfers stay in order and other accounts' are not moved.
   * Refuses UNAVAILABLE for more than MAX_AHEAD_MS ahead of the clock.
   */
  #momentFor(payer: Account, payee: Account): Micros {
    const { at, accounts } = this.#batch;
    this.#datedAhead ??= datedAheadOf(accounts.loaded, at);
    // Nearly always no account is dated ahead, and this is all there is to do.
    if (this.#datedAhead.size === 0) return at;
    const payerEarliest = Math.max(payer.updatedAt, this.#datedAhead.get(payer.id) ?? 0);
    const payeeEarliest = Math.max(payee.updatedAt, this.#datedAhead.get(payee.id) ?? 0);
    const moment = Math.max(at, payerEarliest, payeeEarliest);
    const aheadMs = Math.ceil((moment - at) / MICROS_PER_MS);
    if (aheadMs <= MAX_AHEAD_MS) return moment;
    this.accountsTooFarAhead.add(payerEarliest === moment ? payer.id : payee.id);
    throw new Refusal('UNAVAILABLE', { retryAfterMs: aheadMs - MAX_AHEAD_MS });
  }
}

function datedAheadOf(accounts: readonly Account[], at: Micros): ReadonlyMap<string, Micros> {
  const ahead = new Map<string, Micros>();
  for (const { id, updatedAt } of accounts) if (updatedAt >= at) ahead.set(id, updatedAt + 1);
  return ahead;
}
