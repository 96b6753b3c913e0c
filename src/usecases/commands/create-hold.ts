// Sets money of a wallet aside, in a hold or a gift.

import type { Account } from '../../domain/account.ts';
import type { RequestedAnnotation } from '../../domain/annotation.ts';
import { referencesOf } from '../../domain/batch/annotations.ts';
import type { LedgerCommand } from '../../domain/batch/command.ts';
import type { LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import { checkMemo } from '../../domain/bounds.ts';
import { checkLifetime, HOLD_TRANSFERS, type Hold, type HoldKind } from '../../domain/hold.ts';
import type { RequestedMoney, WalletRef } from '../../domain/intent.ts';
import { refuseField } from '../../domain/refusal.ts';
import { checkMoney } from '../../domain/requested-money.ts';
import { afterMs } from '../../domain/time.ts';
import type { Transfer } from '../../domain/transfer.ts';

/** The intent of the caller. */
export interface CreateHoldIntent {
  readonly userId: bigint;
  /** A wallet of the user. */
  readonly wallet: WalletRef;
  /** Who is paid by the captures; undefined where that is not known yet. */
  readonly to: WalletRef | undefined;
  readonly money: RequestedMoney;
  /** In milliseconds; a week where it is undefined. */
  readonly lifetimeMs: number | undefined;
  readonly reason: string;
  /** Undefined where the user attaches nothing. */
  readonly annotation?: RequestedAnnotation | undefined;
}

/** The new hold. */
export interface CreatedHold {
  readonly hold: Hold;
  /** The wallet's balance right after. */
  readonly balance: bigint;
}

/** Refuses WALLET_NOT_FOUND, USER_NOT_FOUND, SELF_TRANSFER, CURRENCY_MISMATCH, INVALID_FIELD, BALANCE_TOO_LOW, REFERENCE_REUSED. */
export const createHold: LedgerCommand<CreateHoldIntent, CreatedHold> = {
  readSet: ({ userId, wallet, to, annotation }) => ({
    wallets: to ? [wallet, to] : [wallet],
    references: referencesOf('hold', userId, annotation),
  }),

  decide({ userId, wallet, to, money, lifetimeMs, reason, annotation }, batch) {
    checkMemo(reason, 'reason');
    const source = batch.accounts.ownWallet(wallet, userId);
    checkMoney(money, source);
    const receiver = to && batch.accounts.wallet(to);
    if (receiver?.id === source.id) throw refuseField('SELF_TRANSFER', to?.field ?? '');
    if (receiver) checkMoney(money, receiver);
    const { amount } = money;
    const { hold, balance } = setAside(
      { kind: 'hold', userId, source, receiver, amount, lifetimeMs, reason, annotation },
      batch,
    );
    return { hold, balance };
  },
};

/** What to set aside, and for whom. */
interface SetAside {
  readonly kind: HoldKind;
  readonly userId: bigint;
  /** A wallet of that user. */
  readonly source: Account;
  readonly receiver: Account | undefined;
  /** Above zero, in the smallest unit of the source's currency. */
  readonly amount: bigint;
  /** As it was asked for, in milliseconds. */
  readonly lifetimeMs: number | undefined;
  readonly reason: string;
  readonly annotation?: RequestedAnnotation | undefined;
}

/**
 * Moves money of a wallet into a pot of its own, by the transfer `funding`. Refuses INVALID_FIELD for the lifetime, BALANCE_TOO_LOW,
 * REFERENCE_REUSED.
 */
export function setAside(
  { kind, userId, source, receiver, amount, lifetimeMs, reason, annotation }: SetAside,
  batch: LedgerBatch,
): CreatedHold & { readonly funding: Transfer } {
  const expiresAt = afterMs(batch.at, checkLifetime(kind, lifetimeMs));
  const { currency } = source;
  const pot = batch.accounts.open({ kind: 'hold', currency, ownerUserId: undefined, displayName: '' });
  const funding = batch.transfers.post({
    kind: HOLD_TRANSFERS[kind].fund,
    debit: source,
    credit: pot,
    amount,
    memo: reason,
  });
  const id = batch.random.uuid();
  const thing = { subject: kind, id, createdAt: batch.at, userId } as const;
  const hold: Hold = {
    id,
    kind,
    userId,
    walletId: source.id,
    potAccountId: pot.id,
    receiver:
      receiver?.ownerUserId === undefined
        ? undefined
        : { walletId: receiver.id, userId: receiver.ownerUserId },
    currency,
    amount,
    capturedAmount: 0n,
    state: 'open',
    reason,
    createdAt: batch.at,
    expiresAt,
    closedAt: undefined,
    ...(annotation && { annotation: batch.annotations.add(thing, annotation) }),
  };
  batch.holds.add(hold);
  return { hold, funding, balance: funding.debitBalanceAfter };
}
