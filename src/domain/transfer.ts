// A transfer: one movement of money between two accounts, and its id.
import type { OwnedAnnotation } from './annotation.ts';
import type { Currency } from './currency.ts';
import type { Random } from './random.ts';
import { Refusal } from './refusal.ts';
import { MICROS_PER_MS, type Micros } from './time.ts';

/** Every reason for which money moves. */
export const TRANSFER_KINDS = [
  'deposit',
  'withdrawal',
  'transfer',
  'sprinkle',
  'claim',
  'refund',
  'payout',
  'payout_line',
  'hold',
  'capture',
  'void',
  'gift',
  'gift_accept',
  'gift_return',
  'reversal',
] as const;

/** Why money moved. */
export type TransferKind = (typeof TRANSFER_KINDS)[number];

/** An immutable row of the ledger. */
export interface Transfer {
  readonly id: string;
  readonly createdAt: Micros;
  readonly kind: TransferKind;
  readonly currency: Currency;
  /** Above zero, in the smallest unit of the currency. */
  readonly amount: bigint;
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly debitBalanceAfter: bigint;
  readonly creditBalanceAfter: bigint;
  readonly sprinkleId: string | undefined;
  readonly memo: string;
  /** The API key that signed the call; undefined for the system's own transfers, and for those from before it was stored. */
  readonly keyId: string | undefined;
}

/** A posted transfer, with the users on both of its sides. */
export interface PostedTransfer {
  readonly transfer: Transfer;
  /** Undefined if the account is not a wallet. */
  readonly debitUserId: bigint | undefined;
  readonly creditUserId: bigint | undefined;
  /** The hold that it belongs to; left out where there is none. */
  readonly holdId?: string;
  /** The gift that it belongs to; left out where there is none. */
  readonly giftId?: string;
  /** How much of it was refunded by its receiver, in the smallest unit of the currency; left out where nothing was. */
  readonly refundedAmount?: bigint;
  /** The transfer that it refunds; left out where it refunds none. */
  readonly refundsTransferId?: string;
  /** What its maker attached to it; left out where there is nothing. */
  readonly annotation?: OwnedAnnotation;
}

/** Kinds that bring money from one user to another. */
const REFUNDABLE: ReadonlySet<TransferKind> = new Set([
  'transfer',
  'claim',
  'payout_line',
  'capture',
  'gift_accept',
]);

/** Whether the receiver of a transfer of this kind can refund it. */
export function isRefundable(kind: TransferKind): boolean {
  return REFUNDABLE.has(kind);
}

/** Whether operators can reverse a transfer of this kind; what was set aside comes back by its own ways. */
export function isReversible(kind: TransferKind): boolean {
  return isRefundable(kind) || kind === 'deposit' || kind === 'withdrawal';
}

/**
 * How much a refund moves: what is asked for, or all that was not refunded yet. Refuses REFUND_EXCEEDS_TRANSFER, and says how
 * much can be refunded.
 */
export function checkRefund(original: Pick<Transfer, 'amount'>, refunded: bigint, asked?: bigint): bigint {
  const left = original.amount - refunded;
  const amount = asked ?? left;
  if (amount > 0n && amount <= left) return amount;
  throw new Refusal('REFUND_EXCEEDS_TRANSFER', { metadata: { refundable_minor_units: left.toString() } });
}

/**
 * Kinds that the receiver asked for; all others were asked for by the payer. Either side of a hold may have asked for a capture
 * or a void, and either side of a gift for its return, whose payer is a pot, so nobody is shown the key of these.
 */
const ASKED_BY_PAYEE: readonly TransferKind[] = ['deposit', 'claim', 'gift_accept'];

/** The API key of a transfer as one side may see it: only the user who made the call sees it. */
export function keyIdSeenBy(
  userId: bigint,
  posted: Pick<PostedTransfer, 'debitUserId' | 'creditUserId'> & {
    readonly transfer: Pick<Transfer, 'kind' | 'keyId'>;
  },
): string | undefined {
  const { kind, keyId } = posted.transfer;
  // Users are not shown the keys of operators.
  if (kind === 'reversal') return undefined;
  const { debitUserId, creditUserId } = posted;
  // A refund out of a pot was asked for by whom it goes to, one out of a wallet by that wallet's user.
  const askedByPayee = ASKED_BY_PAYEE.includes(kind) || (kind === 'refund' && debitUserId === undefined);
  const asker = askedByPayee ? creditUserId : debitUserId;
  return asker === userId ? keyId : undefined;
}

const COUNTER_LIMIT = 2 ** 24;

/**
 * The id of the n-th transfer of a batch: a UUID of version 7 (RFC 9562) with the moment in milliseconds, then the counter
 * (24 bits, so that ids of one moment sort in the order of a batch's decisions), then random bits.
 */
export function transferId(at: Micros, counter: number, random: Random): string {
  if (counter >= COUNTER_LIMIT) throw new RangeError('a batch cannot post that many transfers');
  const time = hex(Math.floor(at / MICROS_PER_MS), 12);
  const count = hex(counter, 6);
  const tail = random.uuid();
  const high = `${time.slice(0, 8)}-${time.slice(8)}-7${count.slice(0, 3)}`;
  return `${high}-8${count.slice(3)}-${tail.slice(24)}`;
}

/** The moment in a transfer's id, truncated to the millisecond; undefined for a UUID of another version. */
export function momentOfTransferId(id: string): Micros | undefined {
  if (id.charAt(14) !== '7') return undefined;
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) * MICROS_PER_MS;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
