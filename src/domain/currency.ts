// The currencies that accounts can be kept in.

import { mustBeOneOf } from './localized-text.ts';
import { refuseField } from './refusal.ts';

/** ISO 4217 codes; the migration that creates the external accounts lists the same. */
export const CURRENCIES = ['KRW', 'USD', 'EUR', 'JPY'] as const;

/** An ISO 4217 code that ppuri keeps accounts in. */
export type Currency = (typeof CURRENCIES)[number];

/** Digits behind the point (ISO 4217). */
const DECIMALS: Readonly<Record<Currency, number>> = { KRW: 0, JPY: 0, USD: 2, EUR: 2 };

/** An amount in the smallest unit as an exact decimal with all digits of the currency: 10 as `10` KRW, `0.10` USD. */
export function toDecimal(amount: bigint, currency: Currency): string {
  const decimals = DECIMALS[currency];
  if (decimals === 0) return amount.toString();
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, '0');
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** An amount of money in the smallest unit of its currency. */
export interface Money {
  readonly currency: Currency;
  readonly amount: bigint;
}

/** Reads a currency code. Refuses UNKNOWN_CURRENCY, naming the field it came from. */
export function parseCurrency(code: string, field: string): Currency {
  const currency = CURRENCIES.find((known) => known === code);
  if (!currency) throw refuseField('UNKNOWN_CURRENCY', field, mustBeOneOf(CURRENCIES));
  return currency;
}
