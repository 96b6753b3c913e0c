// A payout and its rules: many payments out of one wallet, one per line, and what makes a line invalid.
import type { OwnedAnnotation, RequestedAnnotation } from './annotation.ts';
import { MAX_AMOUNT, MAX_LINE_KEY_LENGTH } from './bounds.ts';
import type { Currency } from './currency.ts';
import { CURRENCIES } from './currency.ts';
import type { Reason } from './reasons.ts';
import { refuseField } from './refusal.ts';
import type { Micros } from './time.ts';

/** Whether one invalid line keeps all lines from being paid, or only itself. */
export type PayoutMode = 'all-or-nothing' | 'each';

/** The state of a payout. Lines are added to a draft, and paid while it runs. */
export type PayoutState = 'draft' | 'running' | 'done' | 'cancelled';

/** Many payments out of one wallet. All amounts are in the smallest unit of the currency. */
export interface Payout {
  readonly id: string;
  readonly ownerUserId: bigint;
  /** The wallet that pays and gets back what is left. */
  readonly sourceAccountId: string;
  /** The account that holds what is set aside and not paid yet. */
  readonly potAccountId: string;
  readonly currency: Currency;
  readonly mode: PayoutMode;
  readonly memo: string;
  readonly state: PayoutState;
  readonly lineCount: number;
  /** How many lines were found invalid when they were added. */
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
  /** What its owner attached to it; left out where there is nothing. */
  readonly annotation?: OwnedAnnotation;
}

/** The payee of a line: a user's default wallet, or any wallet. */
export type Payee = { readonly userId: bigint } | { readonly walletId: string };

/** A line as the caller sent it. */
export interface RequestedLine {
  readonly to: Payee;
  readonly currency: string;
  readonly amount: bigint;
  /** The caller's key for it, unique within the payout; empty if it has none. */
  readonly key: string;
  readonly memo: string;
  /** What the owner attaches to its transfer; left out where there is nothing. */
  readonly annotation?: RequestedAnnotation;
}

/** A line of a payout. */
export interface PayoutLine extends RequestedLine {
  /** Counted from 1. */
  readonly line: number;
  /** The payee's wallet; undefined if there is none. */
  readonly creditAccountId: string | undefined;
  /** Why it is not paid. */
  readonly reason: Reason | undefined;
}

/** What has to be known of a payee's wallet. */
export interface PayeeWallet {
  readonly id: string;
  readonly currency: Currency;
}

/** What has to be known to validate new lines. */
export interface KnownOfLines {
  wallet(to: Payee): PayeeWallet | undefined;
  /** Whether an earlier valid line of the payout has this key. */
  isKeyTaken(key: string): boolean;
  /** Whether the owner gave this reference to another transfer, or to an earlier valid line of the payout. */
  isReferenceTaken(reference: string): boolean;
}

/** The most lines of a payout. */
export const MAX_PAYOUT_LINES = 100_000;

/** Refuses INVALID_FIELD for a line's key that is too long or has other than visible ASCII characters. */
export function checkLineKey(key: string, field: string): void {
  if (key.length <= MAX_LINE_KEY_LENGTH && /^[\x21-\x7e]*$/.test(key)) return;
  throw refuseField('INVALID_FIELD', field, {
    en: `must be at most ${MAX_LINE_KEY_LENGTH} visible ASCII characters without spaces`,
    ko: `공백 없이 보이는 ASCII 문자 ${MAX_LINE_KEY_LENGTH}자 이하여야 합니다`,
  });
}

/** Numbers new lines and validates each. Of lines with the same key or reference, the first valid one counts. */
export function validateLines(
  payout: Pick<Payout, 'currency' | 'sourceAccountId'>,
  firstLine: number,
  lines: readonly RequestedLine[],
  known: KnownOfLines,
): PayoutLine[] {
  const keys = new Set<string>();
  const references = new Set<string>();
  return lines.map((line, index) => {
    const wallet = known.wallet(line.to);
    const { key, annotation: { reference } = NO_ANNOTATION } = line;
    const isKeyTaken = key !== '' && (keys.has(key) || known.isKeyTaken(key));
    const isReferenceTaken =
      reference !== '' && (references.has(reference) || known.isReferenceTaken(reference));
    const taken = isReferenceTaken ? 'REFERENCE_REUSED' : undefined;
    const reason = isKeyTaken ? 'LINE_KEY_REUSED' : (faultOf(payout, line, wallet) ?? taken);
    if (reason === undefined) {
      keys.add(key);
      references.add(reference);
    }
    return { ...line, line: firstLine + index, creditAccountId: wallet?.id, reason };
  });
}

const NO_ANNOTATION: RequestedAnnotation = { reference: '', labels: [], path: '' };

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

/** Whether a payout has changed since an earlier state, as far as its watchers see. */
export function isFurther(payout: Payout, seen: Payout): boolean {
  return (
    payout.state !== seen.state ||
    payout.lineCount !== seen.lineCount ||
    payout.paidCount !== seen.paidCount ||
    payout.failedCount !== seen.failedCount
  );
}

/** Whether two lines are the same, as a line that is sent again must be. */
export function isSameLine(one: RequestedLine, other: RequestedLine): boolean {
  return (
    one.amount === other.amount &&
    one.currency === other.currency &&
    one.key === other.key &&
    one.memo === other.memo &&
    payeeText(one.to) === payeeText(other.to) &&
    annotationText(one) === annotationText(other)
  );
}

function annotationText({ annotation: { reference, labels } = NO_ANNOTATION }: RequestedLine): string {
  return JSON.stringify([reference, labels.map(({ key, value }) => [key, value])]);
}

function payeeText(to: Payee): string {
  return 'userId' in to ? `user ${to.userId}` : `wallet ${to.walletId}`;
}

/** The request field of a line that a reason refers to; empty if it is no single field. */
export function fieldOfFault({ to, currency }: RequestedLine, reason: Reason, payout: Currency): string {
  const payee = 'userId' in to ? 'user_id' : 'wallet_id';
  if (reason === 'INVALID_FIELD') return 'amount.minor_units';
  if (reason === 'LINE_KEY_REUSED') return 'key';
  if (reason === 'REFERENCE_REUSED') return 'reference';
  if (reason === 'UNKNOWN_CURRENCY') return 'amount.currency_code';
  if (reason === 'CURRENCY_MISMATCH') return currency === payout ? payee : 'amount.currency_code';
  return ['USER_NOT_FOUND', 'WALLET_NOT_FOUND', 'SELF_TRANSFER'].includes(reason) ? payee : '';
}
