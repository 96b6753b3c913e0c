// What callers name: wallets, amounts, and intents.
import type { Currency } from './currency.ts';

/** A wallet as a caller names it, with the field of the request that named it, for refusals to point at. */
export type WalletRef =
  | { readonly walletId: string; readonly field: string }
  | { readonly defaultOf: bigint; readonly field: string };

/** An amount as a caller names it, with the field of the request that names its currency. */
export interface RequestedMoney {
  readonly currency: Currency;
  readonly amount: bigint;
  readonly field: string;
}

/** The caller's name for one intent. */
export interface IdempotencyKey {
  readonly userId: bigint;
  readonly key: string;
  /** A digest of the RPC and its request, in hexadecimal. */
  readonly fingerprint: string;
}

/** The user of the system itself, which owns the idempotency keys of jobs; no caller can act for it. */
export const SYSTEM_USER_ID = 0n;

/** An idempotency key of the system itself. Only one request can have it, so its fingerprint is constant. */
export function systemKey(key: string): IdempotencyKey {
  return { userId: SYSTEM_USER_ID, key, fingerprint: '00' };
}
