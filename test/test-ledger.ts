// A ledger for tests without a server: as a process has one, but without a cache, metrics and logs.
import type pg from 'pg';
import { systemCall } from '../src/domain/batch/command.ts';
import { createSprinkleSeeds } from '../src/keys/index.ts';
import { createLedger, type Ledger, NO_CACHE } from '../src/ledger/index.ts';
import { cryptoRandom } from '../src/runtime/crypto-random.ts';
import { deposit } from '../src/usecases/commands/deposit.ts';
import type { TestDatabase } from './stack.ts';
import { createTestPool } from './test-pool.ts';

type Tools = Omit<Parameters<typeof createLedger>[0], 'pool'>;
type Limits = Parameters<typeof createLedger>[1];

/** Seeds as a server has them. */
export const TEST_SEEDS = createSprinkleSeeds([{ id: 'test', key: new Uint8Array(32).fill(7) }]);

/** Creates a ledger over a pool, which it does not close. A test may listen to it, or have a cache before its commits. */
export function createTestLedger(
  pool: pg.Pool,
  limits: Partial<Limits> = {},
  tools: Partial<Tools> = {},
): Ledger {
  return createLedger(
    { pool, random: cryptoRandom, seeds: TEST_SEEDS, beforeCommit: NO_CACHE, onCommit: () => {}, ...tools },
    { maxBatch: 100, lanes: 1, maxWaiting: 10_000, ...limits },
  );
}

/** Won, as an intent has money. */
export const krw = (amount: number | bigint) =>
  ({ currency: 'KRW', amount: BigInt(amount), field: 'amount' }) as const;

/** A user's default wallet, as an intent has it. */
export const walletOf = (user: number) => ({ defaultOf: BigInt(user), field: 'wallet' });

/** Gives users won from outside, in a database that no server has read yet: a server is not needed for it. */
export async function fundDirectly(
  { appUrl }: Pick<TestDatabase, 'appUrl'>,
  users: readonly number[],
  amount: number,
): Promise<void> {
  const pool = createTestPool(appUrl);
  const put = createTestLedger(pool);
  try {
    await pool.query('SELECT open_transfer_months(1)');
    await Promise.all(
      users.map((user) => {
        const userId = BigInt(user);
        const intent = { userId, wallet: walletOf(user), money: krw(amount), memo: '' };
        const key = { userId, key: crypto.randomUUID(), fingerprint: '00' };
        return put.execute(deposit, intent, key, systemCall('fund'));
      }),
    );
  } finally {
    await put[Symbol.asyncDispose]();
    await pool.end();
  }
}
