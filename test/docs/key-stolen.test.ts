// docs/runbooks/key-stolen.md works as it is written, for keys of the API and for key-encryption keys. The part of backups is in
// test/ops/recovery/key-stolen.test.ts.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hmacKey } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { createServerProgram } from '../../src/server/compose.ts';
import { readServerConfig } from '../../src/server/config.ts';
import { actingAs } from '../api.ts';
import { grpcClient } from '../api-client.ts';
import { commandsOf, runLine } from '../page-steps.ts';
import { withoutRedis } from '../redis/own-redis.ts';
import { given, type Stack, serverEnv, startStack } from '../stack.ts';
import { until } from '../until.ts';

const PAGE = 'docs/runbooks/key-stolen.md';
const [ANNA, BO] = [9971, 9972];
const OLD = `test:${Buffer.alloc(32, 7).toString('base64')}`;
let stack: Stack;
before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA], 10_000);
  assert.ok(stack.key.kind === 'hmac-sha256');
  const operator = { keyId: stack.key.keyId, secret: Buffer.from(stack.key.secret).toString('utf8') };
  const addresses = { grpcAddress: stack.grpcAddress, adminGrpcAddress: stack.grpcAddress };
  writeFileSync(join(stack.logDir, 'dev.json'), JSON.stringify({ ...addresses, keys: [operator] }));
});
after(() => stack.stop());

const run = (line: string, places: Record<string, string>, keyEncryptionKeys = OLD) =>
  runLine(line, places, {
    cwd: stack.logDir,
    env: {
      DATA_DIR: stack.logDir,
      ADMIN_DATABASE_URL: stack.database.adminUrl,
      REDIS_URL: given('TEST_REDIS_URL'),
      KEY_ENCRYPTION_KEYS: keyEncryptionKeys,
    },
  });

/** How a server answers a call that a key has signed: `OK` or a reason. */
const askWith = async (key: SigningKey, address = stack.grpcAddress): Promise<string> => {
  const client = grpcClient(address, key);
  const answer = await client.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA));
  client.close();
  return answer.reason || 'OK';
};
const untilRefused = (key: SigningKey) =>
  until('the key is refused', async () => (await askWith(key)) === 'AUTHENTICATION_FAILED');

async function makeKey(by: SigningKey): Promise<SigningKey & { readonly keyId: string }> {
  const client = grpcClient(stack.grpcAddress, by);
  const made = await client.call('admin.v1.ApiKeyService/CreateApiKey', {
    display_name: 'a key',
    kind: 'API_KEY_KIND_HMAC_SHA256',
    scopes: ['SCOPE_READ', 'SCOPE_PAY', 'SCOPE_ADMIN'],
  });
  client.close();
  assert.equal(made.status, 0, made.reason);
  return hmacKey(String(made.at('api_key', 'key_id')), String(made.body.secret));
}

test('a stolen API key: what it did is found, and what it made is revoked', {
  skip: withoutRedis,
}, async () => {
  const stolen = await makeKey(stack.key);
  await until('it is known', async () => (await askWith(stolen)) === 'OK');
  const made = await makeKey(stolen);
  await until('it is known', async () => (await askWith(made)) === 'OK');
  const thief = grpcClient(stack.grpcAddress, made);
  const identity = { userId: String(ANNA), idempotencyKey: crypto.randomUUID() };
  const request = { to_user_id: String(BO), amount: 777 };
  const paid = await thief.call('wallet.v1.WalletService/Transfer', request, identity);
  thief.close();
  assert.equal(paid.status, 0, paid.reason);

  const places = {
    MADE_KEY_ID: made.keyId,
    KEY_ID: stolen.keyId,
    '/var/log/ppuri/*/transactions.log': join(stack.logDir, 'transactions.log'),
  };
  const [revoke, acts, money, created, rotated, revokeMade, create, ...rest] = commandsOf(PAGE, 'An API key');
  assert.deepEqual(rest, []);
  await run(revoke ?? '', places);
  await untilRefused(stolen);
  assert.equal(await askWith(made), 'OK', 'what it made lives on');
  for (const line of [acts, created]) {
    const output = await run(line ?? '', places);
    assert.match(output, /"rpc": "admin\.v1\.ApiKeyService\/CreateApiKey"/);
    assert.ok(output.includes(`"target": "${made.keyId}"`), output);
  }
  assert.doesNotMatch(await run(rotated ?? '', places), /"target"/);
  const asMade = { ...places, KEY_ID: made.keyId };
  await until('the log has the transfer', () =>
    run(money ?? '', asMade).then(
      (lines) => lines.includes('"ppuri.amount":"777"'),
      () => false,
    ),
  );
  await run(revokeMade ?? '', places);
  await untilRefused(made);
  assert.match(await run(create ?? '', places), /"secret": "/);
  await until('its use is on the trail', async () =>
    (await run(acts ?? '', asMade)).includes('ACT_OUTCOME_UNAUTHENTICATED'),
  );
});

test('a stolen key-encryption key: after the steps it opens nothing, and no caller is refused', {
  skip: withoutRedis,
}, async () => {
  const [draw, reseal, list, rotate, backup, ...rest] = commandsOf(PAGE, 'The key-encryption key');
  assert.match(backup ?? '', /scripts\/backup\.ts --full$/);
  assert.deepEqual(rest, []);
  const fresh = `2027:${(await run(draw ?? '', {})).trim()}`;
  const withKeys = async (keyEncryptionKeys: string, key: SigningKey): Promise<string> => {
    const env = { ...serverEnv(stack.database, stack.logDir), KEY_ENCRYPTION_KEYS: keyEncryptionKeys };
    const app = await createServerProgram(readServerConfig({ ...env, LOG_DIR: '' }));
    return askWith(key, `127.0.0.1:${app.grpcPort}`).finally(() => app.stop());
  };
  const both = `${fresh},${OLD}`;
  assert.equal(await withKeys(both, stack.key), 'OK');
  assert.ok(JSON.parse(await run(reseal ?? '', {}, both)).resealed > 0);
  assert.equal(await withKeys(both, stack.key), 'OK');
  assert.equal(await withKeys(fresh, stack.key), 'OK');
  assert.equal(await withKeys(OLD, stack.key), 'AUTHENTICATION_FAILED', 'the stolen one opens nothing');

  assert.match(await run(list ?? '', {}, fresh), new RegExp(`${stack.key.keyId}.*hmac-sha256.*active`));
  const { key, secret } = JSON.parse(await run(rotate ?? '', { KEY_ID: stack.key.keyId }, fresh));
  assert.equal(await withKeys(fresh, hmacKey(key.id, secret)), 'OK');
  assert.equal(await withKeys(fresh, stack.key), 'OK', 'within the overlap');
});
