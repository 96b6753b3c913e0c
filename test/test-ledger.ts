// A ledger for tests without a server: as a process has one, but without a cache, metrics and logs.
import type pg from 'pg';
import { createLedger, type Ledger, NO_CACHE } from '../src/ledger/index.ts';
import { cryptoRandom } from '../src/runtime/crypto-random.ts';

type Limits = Parameters<typeof createLedger>[1];

/** Creates a ledger over a pool, which it does not close. */
export function createTestLedger(pool: pg.Pool, limits: Partial<Limits> = {}): Ledger {
  return createLedger(
    { pool, random: cryptoRandom, beforeCommit: NO_CACHE, onCommit: () => {} },
    { maxBatch: 100, lanes: 1, maxWaiting: 10_000, ...limits },
  );
}

/** Won, as an intent has money. */
export const krw = (amount: number | bigint) =>
  ({ currency: 'KRW', amount: BigInt(amount), field: 'amount' }) as const;

/** A user's default wallet, as an intent has it. */
export const walletOf = (user: number) => ({ defaultOf: BigInt(user), field: 'wallet' });
