// A valid signature is never refused because of wrong ones from others, at the same address, under the same key.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { createVerificationBudget } from '../../src/grpc/interceptors/wrong-signatures.ts';
import { actingAs } from '../api.ts';
import { restConnection } from '../edge/rest-connection.ts';
import { makeKey } from '../keys.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';

const ANNA = 9811;
const FORGED = 300;
let stack: Stack;
let keys: readonly (readonly [holder: SigningKey, forger: SigningKey])[];

before(async () => {
  stack = await startStack({ edge: !withoutEdge });
  await stack.addUsers([ANNA]);
  const pair = generateKeyPairSync('ed25519');
  const { database } = stack;
  const publicKey = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const hmac = await makeKey(database);
  const { keyId } = await makeKey(database, { kind: 'ed25519', publicKey });
  // Another process made them; a change through the server makes it read its keys again.
  const other = await makeKey(database);
  await stack.grpc.call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: other.keyId });
  keys = [
    [hmac, { ...hmac, secret: Buffer.alloc(32, 1) } as SigningKey],
    [
      { keyId, kind: 'ed25519', privateKey: pair.privateKey },
      { keyId, kind: 'ed25519', privateKey: generateKeyPairSync('ed25519').privateKey },
    ],
  ];
});
after(() => stack.stop());

const PATH = '/wallet.v1.WalletService/GetBalance';

/** A connection of its own. */
function connection(): { call: (key: SigningKey) => Promise<string>; close: () => void } {
  const client = new Client(stack.grpcAddress, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const asIs = (message: Buffer) => message;
  return {
    close: () => client.close(),
    call: (key) =>
      new Promise((resolve) => {
        const metadata = new Metadata();
        const request = { method: 'POST', target: PATH, body: Buffer.alloc(0) };
        const headers = signedHeaders(request, actingAs(ANNA), key);
        for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
        client.makeUnaryRequest(
          PATH,
          asIs,
          asIs,
          request.body,
          metadata,
          { deadline: Date.now() + 30_000 },
          (error) => resolve(error ? PpuriError.ofGrpc(error).reason : 'OK'),
        );
      }),
  };
}

for (const index of [0, 1]) {
  const kind = ['HMAC', 'Ed25519'][index];

  test(`${kind}: valid signatures pass over another connection, and over the forger's once one has passed there`, async () => {
    const [holder, forger] = keys[index] as (typeof keys)[number];
    const [mine, theirs, late] = [connection(), connection(), connection()];
    assert.equal(await mine.call(holder), 'OK');
    assert.equal(await theirs.call(holder), 'OK');
    for (let sent = 0; sent < FORGED; sent += 10) {
      const forged = Array.from({ length: 10 }, () => theirs.call(forger));
      assert.deepEqual(await Promise.all([mine.call(holder), theirs.call(holder)]), ['OK', 'OK']);
      assert.deepEqual(new Set(await Promise.all(forged)), new Set(['AUTHENTICATION_FAILED']));
    }
    assert.equal(await late.call(holder), 'OK');
    for (const one of [mine, theirs, late]) one.close();
  });

  test(`${kind}: over REST, through one edge`, { skip: withoutEdge }, async () => {
    const [holder, forger] = keys[index] as (typeof keys)[number];
    const [mine, ...theirs] = Array.from({ length: 11 }, () => restConnection(stack.restUrl, ANNA));
    assert.ok(mine);
    // 429 is what a connection that brings only wrong signatures gets after fifty.
    const refused = new Set([401, 429]);
    for (let sent = 0; sent < FORGED; sent += 10) {
      const forged = theirs.map(({ call }) => call(forger));
      assert.equal((await mine.call(holder)).status, 200);
      for (const { status } of await Promise.all(forged)) assert.ok(refused.has(status), `${status}`);
    }
    for (const { close } of [mine, ...theirs]) close();
  });
}

test('Ed25519: of a connection with wrong signatures only, ten are verified, and one more each second', async () => {
  const [holder, forger] = keys[1] as (typeof keys)[number];
  const theirs = connection();
  for (let sent = 0; sent < 12; sent++) assert.equal(await theirs.call(forger), 'AUTHENTICATION_FAILED');
  let answer = await theirs.call(holder);
  for (let tries = 0; answer !== 'OK' && tries < 50; tries++) {
    await sleep(200);
    answer = await theirs.call(holder);
  }
  assert.equal(answer, 'OK');
  theirs.close();
});

test('the budget: a burst of ten for each connection, one more each second, no limit for a key that was valid there', () => {
  let now = 1_000_000_000;
  const budget = createVerificationBudget(() => now);
  for (let count = 0; count < 10; count++) {
    assert.ok(budget.allows('one', 'key'));
    budget.failed('one');
  }
  assert.ok(!budget.allows('one', 'key'));
  assert.ok(budget.allows('another', 'key'));
  budget.succeeded('one', 'proven');
  assert.ok(budget.allows('one', 'proven') && !budget.allows('one', 'key'));
  now += 1_000_000;
  assert.ok(budget.allows('one', 'key'));
  budget.failed('one');
  assert.ok(!budget.allows('one', 'key'));
  now += 60_000_000;
  for (let count = 0; count < 10; count++) budget.failed('one');
  assert.ok(!budget.allows('one', 'proven'), 'a proof lasts a minute');
});
