// Captures, voids and expires holds, and expires gifts: each takes the lock of the hold's pot, so one of them is first.

import type { CallInfo, LedgerCommand } from '../../domain/batch/command.ts';
import type { LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import { checkCapture, checkOpen, HOLD_TRANSFERS, type Hold, remainingOf } from '../../domain/hold.ts';
import { type IdempotencyKey, type RequestedMoney, systemKey, type WalletRef } from '../../domain/intent.ts';
import { IS_REQUIRED, type LocalizedText } from '../../domain/localized-text.ts';
import { checkMayPay } from '../../domain/movement-rules.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import { checkMoney } from '../../domain/requested-money.ts';
import type { Micros } from '../../domain/time.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { Core } from '../core.ts';
import { getHold } from '../queries/get-hold.ts';
import { resolveAndExecute } from './resolve-and-execute.ts';

/** What a caller asks to capture. */
export interface CaptureHoldInput {
  /** Undefined for all that is left. */
  readonly money: RequestedMoney | undefined;
  /** Whether what is left is given back. */
  readonly isFinal: boolean;
  /** Who is paid, for a hold that names nobody. */
  readonly to: WalletRef | undefined;
}

/** The intent of the caller. Of the hold only what never changes is used: its id, accounts, receiver and expiry. */
interface CaptureHoldIntent extends CaptureHoldInput {
  readonly userId: bigint;
  readonly hold: Hold;
}

/** A capture. */
export interface CapturedHold {
  readonly hold: Hold;
  readonly posted: PostedTransfer;
}

const NAMES_ITS_RECEIVER: LocalizedText = {
  en: 'must be left out: the hold names its receiver',
  ko: '받는 사람이 정해진 보류 건이므로 비워 두어야 합니다',
};

const captureHoldCommand: LedgerCommand<CaptureHoldIntent, CapturedHold> = {
  readSet: ({ hold, to }) => ({
    holdId: hold.id,
    accountIds: [hold.walletId, hold.potAccountId, ...(hold.receiver ? [hold.receiver.walletId] : [])],
    wallets: to ? [to] : [],
  }),

  weight: () => 2,

  decide({ hold: { id }, userId, money, isFinal, to }, batch) {
    const hold = batch.holds.get(id);
    const credit = payeeOf(hold, userId, to, batch);
    checkOpen(hold, batch.at);
    // Nobody was promised the money of a hold that names no receiver: its holder pays now.
    if (!hold.receiver) checkMayPay(batch.accounts.get(hold.walletId), batch.at);
    const pot = batch.accounts.get(hold.potAccountId);
    if (money) checkMoney(money, pot);
    const amount = money?.amount ?? remainingOf(hold);
    checkCapture(hold, amount);
    const transfer = batch.transfers.post({
      kind: HOLD_TRANSFERS[hold.kind].pay,
      debit: pot,
      credit,
      amount,
      memo: hold.reason,
      potOwnerUserId: hold.userId,
    });
    const capturedAmount = hold.capturedAmount + amount;
    const captured = { ...hold, capturedAmount };
    const after = isFinal || capturedAmount === hold.amount ? close(captured, 'captured', batch) : captured;
    batch.holds.update(after);
    return {
      hold: after,
      posted: { transfer, debitUserId: undefined, creditUserId: credit.ownerUserId, holdId: id },
    };
  },
};

/**
 * Captures a hold of which the acting user is the receiver, or the holder where it names none. Refuses HOLD_NOT_FOUND,
 * HOLD_HAS_RECEIVER, HOLD_CAPTURED, HOLD_VOIDED, HOLD_EXPIRED, HOLD_AMOUNT_EXCEEDED, WALLET_NOT_FOUND, USER_NOT_FOUND,
 * SELF_TRANSFER, CURRENCY_MISMATCH, INVALID_FIELD, BALANCE_TOO_HIGH.
 */
export function captureHold(
  core: Core,
  userId: bigint,
  holdId: string,
  input: CaptureHoldInput,
  key: IdempotencyKey,
  call: CallInfo,
): Promise<CapturedHold> {
  const find = async () => ({ ...input, userId, hold: await getHold(core, userId, holdId) });
  return resolveAndExecute(core, captureHoldCommand, find, key, call);
}

/** The wallet that a capture pays. */
function payeeOf(hold: Hold, userId: bigint, to: WalletRef | undefined, batch: LedgerBatch) {
  if (hold.receiver) {
    if (hold.receiver.userId !== userId) throw new Refusal('HOLD_HAS_RECEIVER');
    if (to) throw refuseField('INVALID_FIELD', to.field, NAMES_ITS_RECEIVER);
    return batch.accounts.get(hold.receiver.walletId);
  }
  if (!to) throw refuseField('INVALID_FIELD', 'credit_wallet_id', IS_REQUIRED);
  const wallet = batch.accounts.wallet(to);
  if (wallet.id === hold.walletId) throw refuseField('SELF_TRANSFER', to.field);
  if (wallet.currency !== hold.currency) {
    throw refuseField('CURRENCY_MISMATCH', to.field, {
      en: `the hold is in ${hold.currency}, the wallet is kept in ${wallet.currency}`,
      ko: `보류 금액의 통화는 ${hold.currency}, 지갑의 통화는 ${wallet.currency}입니다`,
    });
  }
  return wallet;
}

/** Gives back what is left, and closes the hold. */
export function close(hold: Hold, state: Exclude<Hold['state'], 'open'>, batch: LedgerBatch): Hold {
  const amount = remainingOf(hold);
  if (amount > 0n) {
    batch.transfers.post({
      kind: HOLD_TRANSFERS[hold.kind].giveBack,
      debit: batch.accounts.get(hold.potAccountId),
      credit: batch.accounts.get(hold.walletId),
      amount,
      memo: hold.reason,
    });
  }
  return { ...hold, state, closedAt: batch.at };
}

/** A hold that was voided. */
export interface VoidedHold {
  readonly hold: Hold;
  /** The balance of the holder's wallet right after. */
  readonly balance: bigint;
}

/** The hold. Only its id, accounts and expiry are used, which never change. */
export interface EndHoldIntent {
  readonly hold: Hold;
}

/** What ending a hold reads: it, the wallet that what is left goes back to, and its pot, whose lock guards it. */
export function readSetOfEnd({ id, walletId, potAccountId }: Hold) {
  return { holdId: id, accountIds: [walletId, potAccountId] };
}

/** Gives back all that is left of an open hold, which ends in this state. */
export function giveBackCommand(state: 'voided' | 'declined'): LedgerCommand<EndHoldIntent, VoidedHold> {
  return {
    readSet: ({ hold }) => readSetOfEnd(hold),
    decide({ hold: { id } }, batch) {
      const hold = batch.holds.get(id);
      checkOpen(hold, batch.at);
      const after = close(hold, state, batch);
      batch.holds.update(after);
      return { hold: after, balance: batch.accounts.get(hold.walletId).balance };
    },
  };
}

const voidHoldCommand = giveBackCommand('voided');

/**
 * Voids a hold of which the acting user is the holder or the receiver. Refuses HOLD_NOT_FOUND, HOLD_CAPTURED, HOLD_VOIDED,
 * HOLD_EXPIRED, BALANCE_TOO_HIGH.
 */
export function voidHold(
  core: Core,
  userId: bigint,
  holdId: string,
  key: IdempotencyKey,
  call: CallInfo,
): Promise<VoidedHold> {
  const find = async () => ({ hold: await getHold(core, userId, holdId) });
  return resolveAndExecute(core, voidHoldCommand, find, key, call);
}

/** What expiring a hold did. */
export interface ExpiredHold {
  /** What went back, in the smallest unit of the hold's currency; zero if the hold had ended before. */
  readonly amount: bigint;
  /** When it was decided. */
  readonly at: Micros;
}

/** Refuses BALANCE_TOO_HIGH. Throws while the hold is live: an answer would be stored, and it would never expire. */
export const expireHold: LedgerCommand<EndHoldIntent, ExpiredHold> = {
  readSet: ({ hold }) => readSetOfEnd(hold),
  decide({ hold: { id } }, batch) {
    const hold = batch.holds.get(id);
    if (batch.at < hold.expiresAt) throw new InvariantError(`hold ${id} is still live`);
    if (hold.state !== 'open') return { amount: 0n, at: batch.at };
    batch.holds.update(close(hold, 'expired', batch));
    return { amount: remainingOf(hold), at: batch.at };
  },
};

/** The idempotency key of a hold's expiry: however often the job runs, it is done once. */
export function expiryKey({ id }: Hold): IdempotencyKey {
  return systemKey(`expire-hold:${id}`);
}
