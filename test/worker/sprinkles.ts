// Makes many sprinkles fast, straight through the ledger.
import { systemCall } from '../../src/domain/batch/command.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { claimSprinkle } from '../../src/usecases/commands/claim-sprinkle.ts';
import { createSprinkle } from '../../src/usecases/commands/create-sprinkle.ts';
import { deposit } from '../../src/usecases/commands/deposit.ts';
import { peopleOf, type TestDatabase } from '../stack.ts';
import { createTestLedger, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';

/** Who makes sprinkles, and who claims from them. */
export const [CREATOR, CLAIMER] = [8001, 8002];
/** What each sprinkle drops: two shares. */
export const AMOUNT = 100n;
const ROOM = 'room-8000';

/** A ledger to put sprinkles into. */
export interface SprinkleLedger {
  /** Makes so many sprinkles that expire after so long; every third loses one share to the claimer at once. */
  make(count: number, lifetimeMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens a test's database for making sprinkles; the creator gets enough money. */
export async function openSprinkleLedger(database: TestDatabase): Promise<SprinkleLedger> {
  const people = peopleOf(database);
  await people.addUsers([CREATOR, CLAIMER]);
  await people.addRoom(ROOM, [CREATOR, CLAIMER]);
  const pool = createTestPool(database.appUrl, { statementTimeoutMs: 60_000 });
  await pool.query('SELECT open_transfer_months(1)');
  const { execute } = createTestLedger(pool, { maxBatch: 1000, lanes: 2, maxWaiting: 1_000_000 });
  let keys = 0;
  const key = (user: number) => ({ userId: BigInt(user), key: `made-${keys++}`, fingerprint: '00' });
  const userId = BigInt(CREATOR);
  const funds = { userId, wallet: walletOf(CREATOR), money: krw(10n ** 12n), memo: '' };
  await execute(deposit, funds, key(CREATOR), systemCall('fund'));
  const makeOne = async (index: number, lifetimeMs: number) => {
    const wish = {
      userId,
      roomId: ROOM,
      roomField: 'room',
      wallet: walletOf(CREATOR),
      money: krw(AMOUNT),
      headcount: 2,
      lifetimeMs,
    };
    const name = key(CREATOR);
    const { sprinkle } = await insist(() => execute(createSprinkle, wish, name, systemCall('make')));
    if (index % 3 !== 0) return;
    const { token } = sprinkle;
    const claim = { userId: BigInt(CLAIMER), roomId: ROOM, token, wallet: walletOf(CLAIMER), nonce: '' };
    const claimName = key(CLAIMER);
    // A busy machine may take longer for it than the sprinkle lives; then all of it is refunded.
    await insist(() => execute(claimSprinkle, claim, claimName, systemCall('claim'))).catch((error) => {
      if (!(error instanceof Refusal && error.reason === 'SPRINKLE_EXPIRED')) throw error;
    });
  };
  return {
    make: async (count, lifetimeMs) => {
      await Promise.all(Array.from({ length: count }, (_, index) => makeOne(index, lifetimeMs)));
    },
    close: () => pool.end(),
  };
}

/** Makes a call under one key, at most five times while it is refused as UNAVAILABLE: a busy machine may take long to connect. */
async function insist<T>(make: () => Promise<T>, tries = 5): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (tries === 1 || !(error instanceof Refusal) || error.reason !== 'UNAVAILABLE') throw error;
    return insist(make, tries - 1);
  }
}
