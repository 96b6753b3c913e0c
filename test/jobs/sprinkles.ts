// Makes many sprinkles fast, straight through the ledger.
import { createPool } from '../../src/db/pool.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { claimSprinkle } from '../../src/usecases/commands/claim-sprinkle.ts';
import { createSprinkle } from '../../src/usecases/commands/create-sprinkle.ts';
import { deposit } from '../../src/usecases/commands/deposit.ts';
import { peopleOf, type TestDatabase } from '../stack.ts';
import { createTestLedger, krw, walletOf } from '../test-ledger.ts';

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
  const pool = createPool({
    url: database.appUrl,
    maxConnections: 2,
    statementTimeoutMs: 60_000,
    onIdleError: () => {},
  });
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
    const { sprinkle } = await execute(createSprinkle, wish, key(CREATOR), systemCall('make'));
    if (index % 3 !== 0) return;
    const claim = { userId: BigInt(CLAIMER), roomId: ROOM, token: sprinkle.token, wallet: walletOf(CLAIMER) };
    await execute(claimSprinkle, claim, key(CLAIMER), systemCall('claim'));
  };
  return {
    make: async (count, lifetimeMs) => {
      await Promise.all(Array.from({ length: count }, (_, index) => makeOne(index, lifetimeMs)));
    },
    close: () => pool.end(),
  };
}
