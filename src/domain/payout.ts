// A payout and its rules: many payments out of one wallet, each a line, and what stands against a line.
import { MAX_AMOUNT, MAX_LINE_KEY_LENGTH } from './bounds.ts';
import type { Currency } from './currency.ts';
import { CURRENCIES } from './currency.ts';
import type { Reason } from './reasons.ts';
import { refuseField } from './refusal.ts';
import type { Micros } from './time.ts';

/** What becomes of the other lines when one is bad: nothing is paid, or each is for itself. */
export type PayoutMode = 'all-or-nothing' | 'each';

/** Where a payout stands. Lines are added to a draft, and paid while it runs. */
export type PayoutState = 'draft' | 'running' | 'done' | 'cancelled';

/** Many payments out of one wallet. All amounts are in the smallest unit of the currency. */
export interface Payout {
  readonly id: string;
  readonly ownerUserId: bigint;
  /** The wallet that pays and that gets back what is left. */
  readonly sourceAccountId: string;
  /** The account that holds what is set aside and not paid yet. */
  readonly potAccountId: string;
  readonly currency: Currency;
  readonly mode: PayoutMode;
  readonly memo: string;
  readonly state: PayoutState;
  readonly lineCount: number;
  /** How many lines were found bad when they were added. */
  readonly badCount: number;
  /** The sum of the other lines. */
  readonly totalAmount: bigint;
  /** What was set aside when it was started. */
  readonly fundedAmount: bigint;
  readonly paidAmount: bigint;
  readonly paidCount: number;
  readonly failedCount: number;
  readonly createdAt: Micros;
  readonly startedAt: Micros | undefined;
  readonly endedAt: Micros | undefined;
}

/** Whom a line pays: a user's default wallet, or any wallet. */
export type Payee = { readonly userId: bigint } | { readonly walletId: string };

/** A line as its caller wrote it. */
export interface RequestedLine {
  readonly to: Payee;
  readonly currency: string;
  readonly amount: bigint;
  /** The caller's name for it, unlike that of any other line of the payout; empty where it has none. */
  readonly key: string;
  readonly memo: string;
}

/** A line of a payout. */
export interface PayoutLine extends RequestedLine {
  /** From 1 on. */
  readonly line: number;
  /** The wallet that the payee means; none where there is none. */
  readonly creditAccountId: string | undefined;
  /** Why it is not paid. */
  readonly reason: Reason | undefined;
}

/** A wallet as far as a line's destination has to be known. */
export interface PayeeWallet {
  readonly id: string;
  readonly currency: Currency;
}

/** What is known about new lines before they are judged. */
export interface KnownOfLines {
  wallet(to: Payee): PayeeWallet | undefined;
  /** Whether an earlier good line of the payout has this key. */
  isKeyTaken(key: string): boolean;
}

/** How many lines a payout may have. */
export const MAX_PAYOUT_LINES = 100_000;

/** Refuses INVALID_FIELD for a key of a line that is too long, or not of visible ASCII characters. */
export function checkLineKey(key: string, field: string): void {
  if (key.length <= MAX_LINE_KEY_LENGTH && /^[\x21-\x7e]*$/.test(key)) return;
  throw refuseField('INVALID_FIELD', field, {
    en: `must be at most ${MAX_LINE_KEY_LENGTH} visible ASCII characters without spaces`,
    ko: `공백 없이 보이는 ASCII 문자 ${MAX_LINE_KEY_LENGTH}자 이하여야 합니다`,
  });
}

/** Numbers new lines and says of each what stands against it. Of lines with the same key the first good one counts. */
export function validateLines(
  payout: Pick<Payout, 'currency' | 'sourceAccountId'>,
  firstLine: number,
  lines: readonly RequestedLine[],
  known: KnownOfLines,
): PayoutLine[] {
  const keys = new Set<string>();
  return lines.map((line, index) => {
    const wallet = known.wallet(line.to);
    const isKeyTaken = line.key !== '' && (keys.has(line.key) || known.isKeyTaken(line.key));
    const reason = isKeyTaken ? 'LINE_KEY_REUSED' : faultOf(payout, line, wallet);
    if (reason === undefined) keys.add(line.key);
    return { ...line, line: firstLine + index, creditAccountId: wallet?.id, reason };
  });
}

function faultOf(
  payout: Pick<Payout, 'currency' | 'sourceAccountId'>,
  { to, currency, amount }: RequestedLine,
  wallet: PayeeWallet | undefined,
): Reason | undefined {
  if (amount < 1n || amount > MAX_AMOUNT) return 'INVALID_FIELD';
  if (!CURRENCIES.some((known) => known === currency)) return 'UNKNOWN_CURRENCY';
  if (currency !== payout.currency) return 'CURRENCY_MISMATCH';
  if (!wallet) return 'userId' in to ? 'USER_NOT_FOUND' : 'WALLET_NOT_FOUND';
  if (wallet.currency !== payout.currency) return 'CURRENCY_MISMATCH';
  if (wallet.id === payout.sourceAccountId) return 'SELF_TRANSFER';
  return undefined;
}

/** Whether there is something to tell to who saw an earlier state of the same payout. */
export function isFurther(payout: Payout, seen: Payout): boolean {
  return (
    payout.state !== seen.state ||
    payout.lineCount !== seen.lineCount ||
    payout.paidCount !== seen.paidCount ||
    payout.failedCount !== seen.failedCount
  );
}

/** Whether two lines say the same: a line that is sent again must. */
export function isSameLine(one: RequestedLine, other: RequestedLine): boolean {
  return (
    one.amount === other.amount &&
    one.currency === other.currency &&
    one.key === other.key &&
    one.memo === other.memo &&
    payeeText(one.to) === payeeText(other.to)
  );
}

function payeeText(to: Payee): string {
  return 'userId' in to ? `user ${to.userId}` : `wallet ${to.walletId}`;
}

/** The field of a line that a reason is about, as callers call it; empty where no one field is wrong. */
export function fieldOfFault({ to, currency }: RequestedLine, reason: Reason, payout: Currency): string {
  const payee = 'userId' in to ? 'user_id' : 'wallet_id';
  if (reason === 'INVALID_FIELD') return 'amount.minor_units';
  if (reason === 'LINE_KEY_REUSED') return 'key';
  if (reason === 'UNKNOWN_CURRENCY') return 'amount.currency_code';
  if (reason === 'CURRENCY_MISMATCH') return currency === payout ? payee : 'amount.currency_code';
  return ['USER_NOT_FOUND', 'WALLET_NOT_FOUND', 'SELF_TRANSFER'].includes(reason) ? payee : '';
}
