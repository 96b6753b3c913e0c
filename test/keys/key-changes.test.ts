// What holds for keys where it is hard: Redis away, a key-encryption key replaced, and a list of networks for everybody.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { createPeople } from '../../src/db/people/index.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { createServerProgram, type ServerProgramOptions } from '../../src/server/compose.ts';
import type { ServerConfig } from '../../src/server/config.ts';
import { resealSecrets } from '../../src/usecases/commands/api-keys.ts';
import { actingAs } from '../api.ts';
import { grpcClient } from '../api-client.ts';
import { makeKey, SEALING_KEY } from '../keys.ts';
import { type Stack, startStack } from '../stack.ts';

const ANNA = 9951;
let stack: Stack;
before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA]);
});
after(() => stack.stop());

/** What a key gets from a server of its own with these settings, after something happened. */
async function callThrough(
  { keyRefreshMs, ...settings }: Partial<ServerConfig> & ServerProgramOptions,
  key: SigningKey,
  happens = async () => {},
): Promise<string> {
  const app = await createServerProgram(
    { ...stack.config, ...settings, grpcPort: 0, opsPort: 0 },
    { ...(keyRefreshMs !== undefined && { keyRefreshMs }) },
  );
  const client = grpcClient(`127.0.0.1:${app.grpcPort}`, key);
  await happens();
  const answer = await client.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA));
  client.close();
  await app.stop();
  return answer.reason || 'OK';
}

const revoke = ({ keyId }: SigningKey) =>
  stack.grpc.call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: keyId });

test('without Redis a revoked key is refused once the keys are read again', async () => {
  const alone = { redisUrl: 'redis://127.0.0.1:1', keyRefreshMs: 1000 };
  const key = await makeKey(stack.database);
  assert.equal(await callThrough(alone, key), 'OK');
  const revoked = async () => {
    await revoke(key);
    await sleep(1500);
  };
  assert.equal(await callThrough(alone, key, revoked), 'AUTHENTICATION_FAILED');
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
  assert.ok((await resealSecrets(keyAdmin)) >= 1);
  assert.equal(await resealSecrets(keyAdmin), 0);
  await close();
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
