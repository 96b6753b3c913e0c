// A few people who pay each other in a ledger without a server, and what their balances were after each payment.
import { ensurePartitions } from '../../../src/db/jobs/index.ts';
import { LEDGER_SETTINGS } from '../../../src/db/pool.ts';
import { systemCall } from '../../../src/domain/batch/command.ts';
import { connectionsFor } from '../../../src/ledger/index.ts';
import { createTransfer } from '../../../src/usecases/commands/create-transfer.ts';
import { deposit } from '../../../src/usecases/commands/deposit.ts';
import type { OwnPostgres } from '../../db/own-postgres.ts';
import { peopleOf } from '../../stack.ts';
import { createTestLedger, krw, walletOf } from '../../test-ledger.ts';
import { createTestPool } from '../../test-pool.ts';

/** It, open. */
export interface Bank extends AsyncDisposable {
  readonly users: readonly number[];
  /** Pays one won, and resolves once it is committed with the id of the transfer. */
  pay(from: number, to: number): Promise<string>;
  /** So many payments between all of them, side by side. */
  payMany(count: number): Promise<string[]>;
}

const USERS = [7001, 7002, 7003, 7004];
const CALL = systemCall('test');
const FUNDS = 10_000_000;

/** Opens it, and with `isNew` puts the people and their money into the ledger. */
export async function openBank(postgres: OwnPostgres, isNew = true): Promise<Bank> {
  const pool = createTestPool(postgres.appUrl, {
    maxConnections: connectionsFor({ lanes: 2 }),
    settings: LEDGER_SETTINGS,
  });
  const ledger = createTestLedger(pool, { lanes: 2 });
  const keyOf = (user: number) => ({ userId: BigInt(user), key: crypto.randomUUID(), fingerprint: 'f0' });
  await ensurePartitions(pool, 1);
  if (isNew) {
    await peopleOf({ ...postgres, drop: async () => {} }).addUsers(USERS);
    for (const user of USERS) {
      const funds = { userId: BigInt(user), wallet: walletOf(user), money: krw(FUNDS), memo: '' };
      await ledger.execute(deposit, funds, keyOf(user), CALL);
    }
  }
  const pay = async (from: number, to: number) => {
    const intent = { userId: BigInt(from), from: walletOf(from), to: walletOf(to), money: krw(1), memo: '' };
    return (await ledger.execute(createTransfer, intent, keyOf(from), CALL)).transfer.id;
  };
  const userAt = (index: number) => USERS[index % USERS.length] ?? 0;
  return {
    users: USERS,
    pay,
    payMany: (count) =>
      Promise.all(
        Array.from({ length: count }, (_, index) => pay(userAt(index), userAt(index + 1 + (index % 3)))),
      ),
    [Symbol.asyncDispose]: async () => {
      await ledger[Symbol.asyncDispose]();
      await pool.end();
    },
  };
}
