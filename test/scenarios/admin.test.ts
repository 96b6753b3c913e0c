// API keys as operators manage them: made, shown, replaced, kept to networks and revoked, over gRPC on the servers' own port.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { hmacKey } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { createServerProgram, type ServerProgram } from '../../src/server/compose.ts';
import { actingAs, expectRefusal } from '../api.ts';
import { type Answer, grpcClient, type Json } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const ANNA = 9701;
let stack: Stack;
let second: ServerProgram;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
  second = await createServerProgram(stack.config);
  await stack.addUsers([ANNA]);
});
after(async () => {
  await second.stop();
  await stack.stop();
});

const admin = (method: string, request: Json) => stack.grpc.call(`admin.v1.ApiKeyService/${method}`, request);
const wish = { display_name: 'a caller', kind: 'API_KEY_KIND_HMAC_SHA256', scopes: ['SCOPE_READ'] };
const keyOf = (made: Answer) => hmacKey(String(made.at('api_key', 'key_id')), String(made.body.secret));

/** What a call that is signed with a key gets, `OK` or a reason, through one server or the other. */
async function callWith(key: SigningKey, app: ServerProgram = stack.app): Promise<string> {
  const client = grpcClient(`127.0.0.1:${app.grpcPort}`, key);
  const answer = await client.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA));
  client.close();
  return answer.reason || 'OK';
}

/** Servers announce changes of keys to each other, which takes milliseconds; the rest is for a busy machine. */
const ANNOUNCED_WITHIN_MS = 5_000;
const OVERLAP_ENDS_MS = 10_000;
/** Uses are counted every 5 s. */
const COUNTED_WITHIN_MS = 15_000;

/** Waits until a key gets this through both servers. */
async function untilBoth(key: SigningKey, expected: string): Promise<void> {
  const isSo = async () => (await callWith(key)) === expected && (await callWith(key, second)) === expected;
  await until(`both servers answer ${expected}`, isSo, ANNOUNCED_WITHIN_MS);
}

test('a key is made, works at once here and soon in the other server, and its secret is shown once', async () => {
  const made = await stack.grpc.call('admin.v1.ApiKeyService/CreateApiKey', wish);
  const key = keyOf(made);
  assert.equal(await callWith(key), 'OK');
  await untilBoth(key, 'OK');
  const secret = String(made.body.secret);
  const list = await stack.grpc.call('admin.v1.ApiKeyService/ListApiKeys', {});
  const got = await stack.grpc.call('admin.v1.ApiKeyService/GetApiKey', { key_id: key.keyId });
  assert.equal(got.at('api_key', 'state'), 'API_KEY_STATE_ACTIVE');
  assert.ok(list.list('api_keys').some(({ key_id }) => key_id === key.keyId));
  const { rows } = await stack.db.query('SELECT to_jsonb(k)::text AS text FROM api_keys k');
  const log = readFileSync(`${stack.logDir}/app.log`, 'utf8');
  for (const text of [JSON.stringify(list.body), JSON.stringify(got.body), JSON.stringify(rows), log]) {
    assert.ok(!text.includes(secret));
  }
});

test('an Ed25519 key signs too; a private key, or one of another kind, is refused', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  const made = await admin('CreateApiKey', { ...wish, kind: 'API_KEY_KIND_ED25519', public_key: pem });
  assert.equal(made.body.secret, '');
  assert.equal(
    await callWith({ keyId: String(made.at('api_key', 'key_id')), kind: 'ed25519', privateKey }),
    'OK',
  );
  const secretPem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    type: 'spki',
    format: 'pem',
  });
  for (const public_key of [secretPem, String(rsa), 'nonsense', '']) {
    const refused = await admin('CreateApiKey', { ...wish, kind: 'API_KEY_KIND_ED25519', public_key });
    expectRefusal(refused, 'ERR001', 'INVALID_FIELD', ['public_key']);
  }
});

test('bad wishes are refused and name their field', async () => {
  expectRefusal(await admin('CreateApiKey', { ...wish, scopes: [] }), 'ERR001', 'INVALID_FIELD', ['scopes']);
  expectRefusal(await admin('CreateApiKey', { ...wish, display_name: '' }), 'ERR001', 'INVALID_FIELD', [
    'display_name',
  ]);
  expectRefusal(await admin('CreateApiKey', { ...wish, public_key: 'x' }), 'ERR001', 'INVALID_FIELD', [
    'public_key',
  ]);
  const networks = { ...wish, allowed_networks: ['10.0.0.0/8', '10.0.0.0/33'] };
  expectRefusal(await admin('CreateApiKey', networks), 'ERR001', 'INVALID_FIELD', ['allowed_networks[1]']);
  const ended = { ...wish, expires_at: '2020-01-01T00:00:00Z' };
  expectRefusal(await admin('CreateApiKey', ended), 'ERR001', 'INVALID_FIELD', ['expires_at']);
  for (const method of ['GetApiKey', 'RotateApiKey', 'RevokeApiKey', 'SetAllowedNetworks']) {
    expectRefusal(await admin(method, { key_id: 'ppk_live_nobody' }), 'ERR005', 'KEY_NOT_FOUND', ['key_id']);
  }
});

test('a rotated key and its successor both work for the overlap, then the old one ends', async () => {
  const old = keyOf(await admin('CreateApiKey', wish));
  const request = { key_id: old.keyId, overlap: '2s' };
  const rotated = await stack.grpc.call('admin.v1.ApiKeyService/RotateApiKey', request);
  assert.equal(rotated.at('replaced', 'state'), 'API_KEY_STATE_RETIRING');
  const fresh = keyOf(rotated);
  assert.deepEqual([await callWith(old), await callWith(fresh)], ['OK', 'OK']);
  expectRefusal(await admin('RotateApiKey', request), 'ERR006', 'KEY_NOT_ACTIVE');
  expectRefusal(await admin('RotateApiKey', { ...request, overlap: '172801s' }), 'ERR001', 'INVALID_FIELD', [
    'overlap',
  ]);
  await until(
    'the overlap is over',
    async () => (await callWith(old)) === 'AUTHENTICATION_FAILED',
    OVERLAP_ENDS_MS,
  );
  assert.equal(await callWith(fresh), 'OK');
  const ended = await admin('GetApiKey', { key_id: old.keyId });
  assert.equal(ended.at('api_key', 'state'), 'API_KEY_STATE_REVOKED');
});

test('a key is kept to networks, and revoked, soon in both servers', async () => {
  const key = keyOf(await admin('CreateApiKey', wish));
  const set = { key_id: key.keyId, allowed_networks: ['192.0.2.0/24'] };
  await stack.grpc.call('admin.v1.ApiKeyService/SetAllowedNetworks', set);
  await untilBoth(key, 'AUTHENTICATION_FAILED');
  await admin('SetAllowedNetworks', { ...set, allowed_networks: ['192.0.2.0/24', '127.0.0.0/8', '::1/128'] });
  await untilBoth(key, 'OK');
  const revoked = await stack.grpc.call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: key.keyId });
  assert.equal(revoked.at('api_key', 'state'), 'API_KEY_STATE_REVOKED');
  await untilBoth(key, 'AUTHENTICATION_FAILED');
});

test('uses of a key are counted', async () => {
  const key = keyOf(await admin('CreateApiKey', wish));
  for (let i = 0; i < 3; i++) await callWith(key);
  let seen = await admin('GetApiKey', { key_id: key.keyId });
  const isCounted = async () => {
    seen = await admin('GetApiKey', { key_id: key.keyId });
    return seen.at('api_key', 'use_count') === '3';
  };
  await until('its uses are counted', isCounted, COUNTED_WITHIN_MS);
  assert.ok(seen.at('api_key', 'last_used_at'));
});

test('admin.v1 needs the scope, and is not offered by the edge', async () => {
  const key = await makeKey(stack.database, { scopes: ['read', 'pay', 'fund'] });
  await admin('CreateApiKey', wish);
  const client = grpcClient(stack.grpcAddress, key);
  expectRefusal(await client.call('admin.v1.ApiKeyService/ListApiKeys', {}), 'ERR004', 'MISSING_SCOPE');
  client.close();
});
