// Makes lines of a payout out of the rows of a file, or says what is wrong with them.
import type { Json } from '../../clients/typescript/src/grpc.ts';
import { CURRENCIES } from '../../src/domain/currency.ts';
import { type Complaint, quoted, type Row } from './table.ts';

/** A line to pay. */
export interface FileLine {
  /** The number of its line in the file. */
  readonly line: number;
  /** As AddPayoutLines takes it. */
  readonly request: Json;
}

/** The lines of a file, or what is wrong with it. */
export interface Checked {
  readonly lines: readonly FileLine[];
  readonly complaints: readonly Complaint[];
}

const MAX_INT64 = 2n ** 63n - 1n;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const KEY = /^[\x21-\x7e]{1,64}$/;
/** No control characters, and no halves of characters, which JSON can write. */
const MEMO = /^[^\p{Cc}\p{Cs}]{1,200}$/u;

/**
 * Checks what can be checked without the server: everything that would make it refuse a whole call. Users that there are
 * not, amounts of 0, doubled keys and other currencies it judges line by line. Amounts without a currency are in that of
 * the wallet.
 */
export function checkRows(rows: readonly Row[], ofWallet: string): Checked {
  const lines: FileLine[] = [];
  const complaints: Complaint[] = [];
  for (const row of rows) {
    const { line, fields } = row;
    const found = faultsOf(row);
    const amount = readAmount(fields.amount ?? '', fields.currency ?? ofWallet);
    if (typeof amount === 'string') found.push({ line, column: 'amount', words: amount });
    else if (found.length === 0) lines.push({ line, request: requestOf(row, amount, ofWallet) });
    complaints.push(...found);
  }
  return { lines, complaints };
}

function requestOf({ fields }: Row, amount: bigint, ofWallet: string): Json {
  const { user_id, wallet_id, currency = ofWallet, key = '', memo = '' } = fields;
  const to: Json = user_id === undefined ? { wallet_id: wallet_id ?? '' } : { user_id };
  return { ...to, amount: { currency_code: currency, minor_units: String(amount) }, key, memo };
}

function faultsOf({ line, fields }: Row): Complaint[] {
  const { user_id, wallet_id, currency, key, memo } = fields;
  const faults: Complaint[] = [];
  const fault = (column: string, words: string) => faults.push({ line, column, words });
  if (user_id === undefined && wallet_id === undefined) fault('user_id', 'is empty, and so is wallet_id');
  if (user_id !== undefined && wallet_id !== undefined) fault('wallet_id', 'and user_id are both given');
  if (user_id !== undefined && !(/^\d{1,19}$/.test(user_id) && BigInt(user_id) <= MAX_INT64)) {
    fault('user_id', `${quoted(user_id)} is not a user's number`);
  }
  if (wallet_id !== undefined && !UUID.test(wallet_id))
    fault('wallet_id', `${quoted(wallet_id)} is not a UUID`);
  if (currency !== undefined && !/^[A-Z]{3}$/.test(currency)) {
    fault('currency', `${quoted(currency)} is not a code like ${CURRENCIES.join(', ')}`);
  }
  if (key !== undefined && !KEY.test(key)) {
    fault('key', `${quoted(key)} is not 1 to 64 visible ASCII characters`);
  }
  if (memo !== undefined && !MEMO.test(memo)) {
    fault(
      'memo',
      `${quoted(memo)} is longer than 200 characters or has control characters (such as ends of lines)`,
    );
  }
  return faults;
}

/**
 * An amount in the unit that people count in (won, dollars), turned into the smallest unit of its currency (won, cents);
 * or what is wrong with it.
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
  // Digits without end are not worth counting with.
  const amount = whole.length > 30 ? undefined : BigInt(`${sign}${whole}${decimals.padEnd(digits, '0')}`);
  if (amount === undefined || amount > MAX_INT64 || amount < -MAX_INT64)
    return `${quoted(written)} is too large`;
  return amount;
}

/** How many decimals amounts of a currency have; none of one that there is not, which the server will say. */
function decimalsOf(currency: string): number {
  if (!CURRENCIES.some((known) => known === currency)) return 0;
  return (
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 0
  );
}

/**
 * How many lines there are and what they add up to, for each currency: `2 lines, 800 KRW`. Amounts below zero, which the
 * server refuses, take nothing off: the sum never says less than what may be paid.
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

/** Money in the smallest unit of its currency, as people read it: 1,050.00 USD. */
export function moneyText(currency: string, minorUnits: bigint): string {
  const digits = decimalsOf(currency);
  const text = String(minorUnits).padStart(digits + 1, '0');
  const whole = BigInt(text.slice(0, text.length - digits)).toLocaleString('en');
  return `${whole}${digits > 0 ? `.${text.slice(-digits)}` : ''} ${currency}`;
}
