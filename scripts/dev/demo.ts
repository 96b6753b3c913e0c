// What `npm start` creates to try things with: users 1001 to 1005 with money in room `demo`, and an API key.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPeople } from '../../src/db/people/index.ts';
import { createPool } from '../../src/db/pool.ts';
import { isLive } from '../../src/domain/api-key.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { errorText } from '../../src/domain/error-fields.ts';
import { createLedger, NO_CACHE } from '../../src/ledger/index.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { createApiKey, deposit } from '../../src/usecases/index.ts';
import { DEMO_ROOM, DEMO_USERS, type DemoKey } from '../cli/dev-info.ts';
import { type KeyAdminConfig, plainKey, withKeyAdmin } from '../cli/key-admin.ts';
import { writeSecret } from './files.ts';

const START_BALANCE = 100_000n;

/** Creates what is missing, so it can run at every start. */
export async function seed(databaseUrl: string): Promise<void> {
  const people = createPeople({ url: databaseUrl, maxConnections: 2 });
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
    await Promise.all([people[Symbol.asyncDispose](), pool.end()]);
  }
}

/** The deposits have fixed idempotency keys, so they are made once. */
async function fund(pool: ReturnType<typeof createPool>): Promise<void> {
  // No server runs yet, and the next one does not trust older cache entries.
  const { execute } = createLedger(
    { pool, random: cryptoRandom, beforeCommit: NO_CACHE, onCommit: () => {} },
    { maxBatch: 100, lanes: 1, maxWaiting: 10_000 },
  );
  await Promise.all(
    DEMO_USERS.map((userId) => {
      const money = { currency: 'KRW', amount: START_BALANCE, field: 'amount' } as const;
      const intent = { userId, wallet: { defaultOf: userId, field: 'user_id' }, money, memo: 'A first gift' };
      const key = { userId, key: 'demo-seed', fingerprint: '00' };
      return execute(deposit, intent, key, systemCall('demo-seed'));
    }),
  );
}

const SCOPES = ['read', 'pay', 'fund', 'events'] as const;

/** The demo key of the data folder; creates one when there is none, or when it is no longer active. */
export function loadDemoKey(dataDir: string, config: KeyAdminConfig): Promise<DemoKey> {
  const file = join(dataDir, 'demo-key.secret');
  return withKeyAdmin(config, { command: 'start', keyId: '' }, async (keyAdmin) => {
    const stored = readKeyFile(file);
    const known = stored && (await keyAdmin.apiKeys.find(stored.keyId));
    if (stored && known && isLive(known, keyAdmin.now())) return stored;
    const { key, secret = '' } = await createApiKey(keyAdmin, plainKey('npm start', SCOPES), undefined);
    const created: DemoKey = { keyId: key.id, secret, scopes: SCOPES };
    writeSecret(file, JSON.stringify(created));
    return created;
  });
}

function readKeyFile(file: string): DemoKey | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as DemoKey;
  } catch {
    return undefined;
  }
}
