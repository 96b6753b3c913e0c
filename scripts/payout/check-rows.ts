// Turns the rows of a file into lines of a payout, or reports their problems.
import type { Json } from '../../clients/typescript/src/connection.ts';
import { CURRENCIES } from '../../src/domain/currency.ts';
import { type Problem, quoted, type Row } from './read-file.ts';

/** A line to pay. */
export interface FileLine {
  /** The number of its line in the file. */
  readonly line: number;
  /** As AddPayoutLines takes it. */
  readonly request: Json;
}

/** The lines of a file and its problems. */
export interface Checked {
  readonly lines: readonly FileLine[];
  readonly problems: readonly Problem[];
}

const MAX_INT64 = 2n ** 63n - 1n;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const KEY = /^[\x21-\x7e]{1,64}$/;
/** No control characters, and no lone surrogates, which JSON can contain. */
const MEMO = /^[^\p{Cc}\p{Cs}]{1,200}$/u;

/**
 * Checks everything that would make the server refuse a whole call. The server checks users, amounts of 0, repeated keys
 * and currencies line by line. Amounts without a currency are in that of the wallet.
 */
export function checkRows(rows: readonly Row[], ofWallet: string): Checked {
  const lines: FileLine[] = [];
  const problems: Problem[] = [];
  for (const row of rows) {
    const { line, fields } = row;
    const found = problemsOf(row);
    const amount = readAmount(fields.amount ?? '', fields.currency ?? ofWallet);
    if (typeof amount === 'string') found.push({ line, column: 'amount', message: amount });
    else if (found.length === 0) lines.push({ line, request: requestOf(row, amount, ofWallet) });
    problems.push(...found);
  }
  return { lines, problems };
}

function requestOf({ fields }: Row, amount: bigint, ofWallet: string): Json {
  const { user_id, wallet_id, currency = ofWallet, key = '', memo = '' } = fields;
  const to: Json = user_id === undefined ? { wallet_id: wallet_id ?? '' } : { user_id };
  return { ...to, amount: { currency_code: currency, minor_units: String(amount) }, key, memo };
}

function problemsOf({ line, fields }: Row): Problem[] {
  const { user_id, wallet_id, currency, key, memo } = fields;
  const problems: Problem[] = [];
  const add = (column: string, message: string) => problems.push({ line, column, message });
  if (user_id === undefined && wallet_id === undefined) add('user_id', 'is empty, and so is wallet_id');
  if (user_id !== undefined && wallet_id !== undefined) add('wallet_id', 'and user_id are both given');
  if (user_id !== undefined && !(/^\d{1,19}$/.test(user_id) && BigInt(user_id) <= MAX_INT64)) {
    add('user_id', `${quoted(user_id)} is not a user's number`);
  }
  if (wallet_id !== undefined && !UUID.test(wallet_id))
    add('wallet_id', `${quoted(wallet_id)} is not a UUID`);
  if (currency !== undefined && !/^[A-Z]{3}$/.test(currency)) {
    add('currency', `${quoted(currency)} is not a code like ${CURRENCIES.join(', ')}`);
  }
  if (key !== undefined && !KEY.test(key)) {
    add('key', `${quoted(key)} is not 1 to 64 visible ASCII characters`);
  }
  if (memo !== undefined && !MEMO.test(memo)) {
    add(
      'memo',
      `${quoted(memo)} is longer than 200 characters or has control characters (such as ends of lines)`,
    );
  }
  return problems;
}

/**
 * Converts an amount in the main unit of its currency (won, dollars) into the smallest one (won, cents). Returns a string
 * when the amount is invalid.
 */
function readAmount(written: string, currency: string): bigint | string {
  if (written === '') return 'is empty';
  const [, sign = '', whole = '', decimals = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(written) ?? [];
  const digits = decimalsOf(currency);
  if (whole === '') {
    const example = digits === 0 ? '1000' : `1000.${'50'.padEnd(digits, '0').slice(0, digits)}`;
    return `${quoted(written)} is not an amount in ${currency}; write digits only, like ${example}`;
  }
  if (decimals.length > digits) {
    const has = digits === 0 ? 'no decimals' : `${digits} decimals`;
    return `${quoted(written)} has more decimals than ${currency}, which has ${has}`;
  }
  // BigInt would accept any number of digits.
  const amount = whole.length > 30 ? undefined : BigInt(`${sign}${whole}${decimals.padEnd(digits, '0')}`);
  if (amount === undefined || amount > MAX_INT64 || amount < -MAX_INT64)
    return `${quoted(written)} is too large`;
  return amount;
}

/** The decimals of a currency; 0 for an unknown one, which the server refuses. */
function decimalsOf(currency: string): number {
  if (!CURRENCIES.some((known) => known === currency)) return 0;
  return (
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 0
  );
}

/**
 * The number of lines and their sum for each currency: `2 lines, 800 KRW`. Negative amounts, which the server refuses, are
 * not subtracted, so that the sum is never less than what may be paid.
 */
export function sumsText(lines: readonly FileLine[]): string {
  const sums = new Map<string, { count: number; minorUnits: bigint }>();
  for (const { request } of lines) {
    const { currency_code, minor_units } = request.amount as { currency_code: string; minor_units: string };
    const sum = sums.get(currency_code) ?? { count: 0, minorUnits: 0n };
    sum.count += 1;
    sum.minorUnits += BigInt(minor_units) > 0n ? BigInt(minor_units) : 0n;
    sums.set(currency_code, sum);
  }
  return [...sums]
    .map(
      ([currency, { count, minorUnits }]) =>
        `${count.toLocaleString('en')} ${count === 1 ? 'line' : 'lines'}, ${moneyText(currency, minorUnits)}`,
    )
    .join('; ');
}

/** Formats an amount in the smallest unit of its currency: `1,050.00 USD`. */
export function moneyText(currency: string, minorUnits: bigint): string {
  const digits = decimalsOf(currency);
  const text = String(minorUnits).padStart(digits + 1, '0');
  const whole = BigInt(text.slice(0, text.length - digits)).toLocaleString('en');
  return `${whole}${digits > 0 ? `.${text.slice(-digits)}` : ''} ${currency}`;
}
