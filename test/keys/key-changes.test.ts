// What holds for keys where it is hard: Redis away, a key-encryption key replaced, and a list of networks for everybody.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { createPeople } from '../../src/db/people/index.ts';
import { createSealedSeeds } from '../../src/db/sealed-seeds.ts';
import { createSprinkleSeeds } from '../../src/keys/index.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { createServerProgram, type ServerProgramOptions } from '../../src/server/compose.ts';
import type { ServerConfig } from '../../src/server/config.ts';
import { resealSecrets } from '../../src/usecases/commands/api-keys.ts';
import { actingAs, withKey } from '../api.ts';
import { grpcClient } from '../api-client.ts';
import { makeKey, SEALING_KEY } from '../keys.ts';
import { type Stack, startStack } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';

const ANNA = 9951;
let stack: Stack;
before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA]);
});
after(() => stack.stop());

/** Asks a server of its own with these settings what a key gets from it. */
async function withServer<T>(
  { keyRefreshMs, ...settings }: Partial<ServerConfig> & ServerProgramOptions,
  key: SigningKey,
  work: (ask: () => Promise<string>) => Promise<T>,
): Promise<T> {
  const app = await createServerProgram(
    { ...stack.config, ...settings, grpcPort: 0, opsPort: 0 },
    { ...(keyRefreshMs !== undefined && { keyRefreshMs }) },
  );
  const client = grpcClient(`127.0.0.1:${app.grpcPort}`, key);
  const ask = async () => {
    const answer = await client.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA));
    return answer.reason || 'OK';
  };
  return work(ask).finally(() => {
    client.close();
    return app.stop();
  });
}

const callThrough = (settings: Partial<ServerConfig>, key: SigningKey) =>
  withServer(settings, key, (ask) => ask());

const revoke = ({ keyId }: SigningKey) =>
  stack.grpc.call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: keyId });

test('without Redis a revoked key is refused once the keys are read again', async () => {
  const alone = { redis: { ...stack.config.redis, url: 'redis://127.0.0.1:1' }, keyRefreshMs: 1000 };
  const key = await makeKey(stack.database);
  await withServer(alone, key, async (ask) => {
    assert.equal(await ask(), 'OK');
    await revoke(key);
    await until('it is refused', async () => (await ask()) === 'AUTHENTICATION_FAILED');
  });
});

test('a key-encryption key is replaced: calls pass before, between and after', async () => {
  const fresh = { id: 'fresh', key: Buffer.alloc(32, 9) };
  assert.equal(await callThrough({ keyEncryptionKeys: [fresh, SEALING_KEY] }, stack.key), 'OK');
  assert.equal(await callThrough({ keyEncryptionKeys: [fresh] }, stack.key), 'AUTHENTICATION_FAILED');
  const { apiKeys, [Symbol.asyncDispose]: close } = createPeople({
    url: stack.database.adminUrl,
    maxConnections: 1,
  });
  const keyAdmin = {
    apiKeys,
    sealingKeys: [fresh, SEALING_KEY] as const,
    random: cryptoRandom,
    announce: async () => {},
    now: () => 0,
  };
  await stack.addRoom('keys', [ANNA]);
  await stack.fund([ANNA], 1000);
  const sprinkle = { amount: 1000, headcount: 2 };
  const identity = { ...withKey(ANNA), roomId: 'keys' };
  assert.equal(
    (await stack.grpc.call('wallet.v1.SprinkleService/CreateSprinkle', sprinkle, identity)).status,
    0,
  );
  const pool = createTestPool(stack.database.adminUrl);
  const seeds = createSealedSeeds(pool);
  assert.ok((await resealSecrets(keyAdmin, seeds)) >= 1);
  assert.equal(await resealSecrets(keyAdmin, seeds), 0);
  const [seed] = await seeds.list('00000000-0000-0000-0000-000000000000', 2);
  assert.match(
    createSprinkleSeeds([fresh]).open(seed?.sprinkleId ?? '', seed?.sealed ?? '').hex,
    /^[0-9a-f]{64}$/,
  );
  await Promise.all([close(), pool.end()]);
  assert.equal(await callThrough({ keyEncryptionKeys: [fresh] }, stack.key), 'OK');
});

test('ALLOWED_NETWORKS refuses every key from other networks', async () => {
  const keys = { keyEncryptionKeys: [{ id: 'fresh', key: Buffer.alloc(32, 9) }] } as const;
  const own = { ...keys, allowedNetworks: ['127.0.0.0/8', '::1/128'] };
  assert.equal(await callThrough(own, stack.key), 'OK');
  assert.equal(
    await callThrough({ ...keys, allowedNetworks: ['192.0.2.0/24'] }, stack.key),
    'AUTHENTICATION_FAILED',
  );
});
