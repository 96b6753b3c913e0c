// The currencies that accounts can be kept in.

import { mustBeOneOf } from './localized-text.ts';
import { refuseField } from './refusal.ts';

/** ISO 4217 codes; the migration that creates the external accounts lists the same. */
export const CURRENCIES = ['KRW', 'USD', 'EUR', 'JPY'] as const;

/** An ISO 4217 code that ppuri keeps accounts in. */
export type Currency = (typeof CURRENCIES)[number];

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
