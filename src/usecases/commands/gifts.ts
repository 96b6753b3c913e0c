// Makes, accepts, declines and cancels gifts. A gift is a hold for one user, so its pot's lock decides who ends it.
import type { RequestedAnnotation } from '../../domain/annotation.ts';
import { referencesOf } from '../../domain/batch/annotations.ts';
import type { CallInfo, LedgerCommand } from '../../domain/batch/command.ts';
import { checkMemo } from '../../domain/bounds.ts';
import { checkOpen, HOLD_TRANSFERS, type Hold } from '../../domain/hold.ts';
import type { IdempotencyKey, RequestedMoney, WalletRef } from '../../domain/intent.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import { checkMoney } from '../../domain/requested-money.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { Core } from '../core.ts';
import { getHold } from '../queries/get-hold.ts';
import { type CreatedHold, setAside } from './create-hold.ts';
import { close, type EndHoldIntent, giveBackCommand, readSetOfEnd, type VoidedHold } from './end-hold.ts';
import { resolveAndExecute } from './resolve-and-execute.ts';

/** What has the reference of a gift: it, and the transfer that fills it. */
const SUBJECTS = ['gift', 'transfer'] as const;

/** The intent of the sender. */
export interface CreateGiftIntent {
  readonly userId: bigint;
  /** A wallet of the sender. */
  readonly wallet: WalletRef;
  /** The receiver, by the default wallet that every user has. */
  readonly to: WalletRef;
  readonly money: RequestedMoney;
  /** In milliseconds; three days where it is undefined. */
  readonly lifetimeMs: number | undefined;
  /** What the receiver reads. */
  readonly message: string;
  /** Undefined where the sender attaches nothing. */
  readonly annotation?: RequestedAnnotation | undefined;
}

/** Refuses WALLET_NOT_FOUND, USER_NOT_FOUND, SELF_TRANSFER, CURRENCY_MISMATCH, INVALID_FIELD, BALANCE_TOO_LOW, REFERENCE_REUSED. */
export const createGift: LedgerCommand<CreateGiftIntent, CreatedHold> = {
  readSet: ({ userId, wallet, to, annotation }) => ({
    wallets: [wallet, to],
    references: SUBJECTS.flatMap((subject) => referencesOf(subject, userId, annotation) ?? []),
  }),

  decide({ userId, wallet, to, money, lifetimeMs, message, annotation }, batch) {
    checkMemo(message, 'message');
    const source = batch.accounts.ownWallet(wallet, userId);
    const receiver = batch.accounts.wallet(to);
    if (receiver.ownerUserId === userId) throw refuseField('SELF_TRANSFER', to.field);
    checkMoney(money, source);
    const { amount } = money;
    const { hold, funding, balance } = setAside(
      { kind: 'gift', userId, source, receiver, amount, lifetimeMs, reason: message, annotation },
      batch,
    );
    // Lists of transfers go by what is attached to transfers.
    const { id, createdAt } = funding;
    if (annotation) batch.annotations.add({ subject: 'transfer', id, createdAt, userId }, annotation);
    return { hold, balance };
  },
};

/** The intent of the receiver. */
interface AcceptGiftIntent extends EndHoldIntent {
  readonly userId: bigint;
  /** The wallet of the receiver that the money goes to. */
  readonly wallet: WalletRef;
}

/** An accepted gift. */
export interface AcceptedGift {
  readonly hold: Hold;
  readonly posted: PostedTransfer;
}

const acceptGiftCommand: LedgerCommand<AcceptGiftIntent, AcceptedGift> = {
  readSet: ({ hold, wallet }) => ({ ...readSetOfEnd(hold), wallets: [wallet] }),

  decide({ hold: { id }, userId, wallet }, batch) {
    const hold = batch.holds.get(id);
    const credit = batch.accounts.ownWallet(wallet, userId);
    checkOpen(hold, batch.at);
    if (credit.currency !== hold.currency) {
      throw refuseField('CURRENCY_MISMATCH', wallet.field, {
        en: `the gift is in ${hold.currency}, the wallet is kept in ${credit.currency}`,
        ko: `선물의 통화는 ${hold.currency}, 지갑의 통화는 ${credit.currency}입니다`,
      });
    }
    const transfer = batch.transfers.post({
      kind: HOLD_TRANSFERS.gift.pay,
      debit: batch.accounts.get(hold.potAccountId),
      credit,
      amount: hold.amount,
      memo: hold.reason,
    });
    const after = close({ ...hold, capturedAmount: hold.amount }, 'captured', batch);
    batch.holds.update(after);
    return {
      hold: after,
      posted: { transfer, debitUserId: undefined, creditUserId: userId, giftId: id },
    };
  },
};

/**
 * Accepts a gift for the acting user. Refuses GIFT_NOT_FOUND, GIFT_FOR_RECEIVER, GIFT_ACCEPTED, GIFT_DECLINED,
 * GIFT_CANCELLED, GIFT_EXPIRED, WALLET_NOT_FOUND, CURRENCY_MISMATCH, BALANCE_TOO_HIGH.
 */
export function acceptGift(
  core: Core,
  userId: bigint,
  giftId: string,
  wallet: WalletRef,
  key: IdempotencyKey,
  call: CallInfo,
): Promise<AcceptedGift> {
  const find = async () => ({ userId, wallet, hold: await giftFor(core, userId, giftId) });
  return resolveAndExecute(core, acceptGiftCommand, find, key, call);
}

const declineGiftCommand = giveBackCommand('declined');
const cancelGiftCommand = giveBackCommand('voided');

/**
 * Declines a gift for the acting user. Refuses GIFT_NOT_FOUND, GIFT_FOR_RECEIVER, GIFT_ACCEPTED, GIFT_DECLINED,
 * GIFT_CANCELLED, GIFT_EXPIRED, BALANCE_TOO_HIGH.
 */
export function declineGift(
  core: Core,
  userId: bigint,
  giftId: string,
  key: IdempotencyKey,
  call: CallInfo,
): Promise<VoidedHold> {
  const find = async () => ({ hold: await giftFor(core, userId, giftId) });
  return resolveAndExecute(core, declineGiftCommand, find, key, call);
}

/**
 * Cancels a gift that the acting user sent. Refuses GIFT_NOT_FOUND, GIFT_FOR_SENDER, GIFT_ACCEPTED, GIFT_DECLINED,
 * GIFT_CANCELLED, GIFT_EXPIRED, BALANCE_TOO_HIGH.
 */
export function cancelGift(
  core: Core,
  userId: bigint,
  giftId: string,
  key: IdempotencyKey,
  call: CallInfo,
): Promise<VoidedHold> {
  const find = async () => {
    const hold = await getHold(core, userId, giftId, 'gift');
    if (hold.userId !== userId) throw new Refusal('GIFT_FOR_SENDER');
    return { hold };
  };
  return resolveAndExecute(core, cancelGiftCommand, find, key, call);
}

/** A gift of which the acting user is the receiver. */
async function giftFor(core: Core, userId: bigint, giftId: string): Promise<Hold> {
  const hold = await getHold(core, userId, giftId, 'gift');
  if (hold.receiver?.userId !== userId) throw new Refusal('GIFT_FOR_RECEIVER');
  return hold;
}
