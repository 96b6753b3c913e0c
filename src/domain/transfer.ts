// A transfer: one movement of money between two accounts, and the id that it gets.
import type { Currency } from './currency.ts';
import type { Random } from './random.ts';
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
  /** The API key that signed the call; undefined where no call made it, and on transfers from before this was noted. */
  readonly keyId: string | undefined;
}

/** A posted transfer, with the users on both of its sides. */
export interface PostedTransfer {
  readonly transfer: Transfer;
  /** None where the account is no wallet. */
  readonly debitUserId: bigint | undefined;
  readonly creditUserId: bigint | undefined;
}

/** Kinds whose money goes to the user who asked for it; all others take it from that user. */
const ASKED_BY_PAYEE: readonly TransferKind[] = ['deposit', 'claim', 'refund'];

/** The key that signed, as one side of a transfer may see it: whose call it was sees it, the other side does not. */
export function keyIdSeenBy(
  userId: bigint,
  posted: Pick<PostedTransfer, 'debitUserId' | 'creditUserId'> & {
    readonly transfer: Pick<Transfer, 'kind' | 'keyId'>;
  },
): string | undefined {
  const { kind, keyId } = posted.transfer;
  const asker = ASKED_BY_PAYEE.includes(kind) ? posted.creditUserId : posted.debitUserId;
  return asker === userId ? keyId : undefined;
}

const COUNTER_LIMIT = 2 ** 24;

/**
 * Makes the id of the n-th transfer of a batch: a UUID of version 7 (RFC 9562) that carries the moment in
 * milliseconds, then the counter (24 bits, so that ids of one moment sort in the order of a batch's decisions), then chance.
 */
export function transferId(at: Micros, counter: number, random: Random): string {
  if (counter >= COUNTER_LIMIT) throw new RangeError('a batch cannot post that many transfers');
  const time = hex(Math.floor(at / MICROS_PER_MS), 12);
  const count = hex(counter, 6);
  const chance = random.uuid();
  const high = `${time.slice(0, 8)}-${time.slice(8)}-7${count.slice(0, 3)}`;
  return `${high}-8${count.slice(3)}-${chance.slice(24)}`;
}

/** The moment that a transfer's id carries, cut down to the millisecond; undefined for a UUID of another version. */
export function momentOfTransferId(id: string): Micros | undefined {
  if (id.charAt(14) !== '7') return undefined;
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) * MICROS_PER_MS;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
