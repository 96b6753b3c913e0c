// Fills a fresh database with people to try things with: users 1001 to 1005 with 100,000 won each, in room `demo`.

import { connectPeople } from '../../src/db/people/connect.ts';
import { createPool } from '../../src/db/pool.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { errorText } from '../../src/domain/error-fields.ts';
import { createLedger, NO_CACHE } from '../../src/ledger/index.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { deposit } from '../../src/usecases/index.ts';

/** The demo users. */
export const DEMO_USERS = [1001n, 1002n, 1003n, 1004n, 1005n] as const;
/** The demo room; every demo user is a member, the first one owns it. */
export const DEMO_ROOM = 'demo';

const START_BALANCE = 100_000n;

/** Makes what is missing; what is there stays as it is, so it may run at every start. */
export async function seed(databaseUrl: string): Promise<void> {
  const people = connectPeople(databaseUrl, 2);
  const pool = createPool({
    url: databaseUrl,
    maxConnections: 1,
    statementTimeoutMs: 10_000,
    onIdleError: (error) => console.error(errorText(error)),
  });
  try {
    await pool.query('SELECT open_transfer_months(1)');
    for (const userId of DEMO_USERS) await people.users.create(userId, `User ${userId}`);
    await people.rooms.create({ id: DEMO_ROOM, displayName: 'Demo room', ownerUserId: DEMO_USERS[0] });
    for (const userId of DEMO_USERS) await people.rooms.addMember(DEMO_ROOM, userId);
    for (const [index, userId] of DEMO_USERS.entries()) {
      const friend = DEMO_USERS[(index + 1) % DEMO_USERS.length];
      if (friend !== undefined) await people.users.befriend(userId, friend);
    }
    await fund(pool);
  } finally {
    await Promise.all([people.close(), pool.end()]);
  }
}

/** The deposits have fixed idempotency keys, so they happen once, however often this runs. */
async function fund(pool: ReturnType<typeof createPool>): Promise<void> {
  // Nobody serves yet, and whoever serves next believes no copies of before.
  const { execute } = createLedger(
    { pool, random: cryptoRandom, beforeCommit: NO_CACHE, onCommit: () => {} },
    { maxBatch: 100, lanes: 1, maxWaiting: 10_000 },
  );
  await Promise.all(
    DEMO_USERS.map((userId) => {
      const money = { currency: 'KRW', amount: START_BALANCE, field: 'amount' } as const;
      const intent = { userId, wallet: { defaultOf: userId, field: 'user_id' }, money, memo: 'Welcome' };
      const key = { userId, key: 'demo-seed', fingerprint: '00' };
      return execute(deposit, intent, key, systemCall('demo-seed'));
    }),
  );
}
