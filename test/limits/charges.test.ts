// What is refused after its signature was right is charged like what is done: nobody gets around the limits by being wrong.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { makeKey } from '../keys.ts';
import { type Stack, startStack } from '../stack.ts';

const [ANNA, BO] = [9741, 9742];
/** What refusing a list may take, client and server together, in milliseconds of CPU; to read half a million items takes a second. */
const REFUSING_CPU_MS = 300;
/** So slow that nothing comes back within the test. */
const RATE = 1;
const LIST_COST = 100;
let stack: Stack;
let client: Client;

before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA, BO]);
  client = new Client(stack.grpcAddress, credentials.createInsecure());
});
after(async () => {
  client.close();
  await stack.stop();
});

const PAY = '/wallet.v1.WalletService/Transfer';
const BATCH = '/wallet.v2.TransferService/BatchCreateTransfers';
/** To a user, of an amount; the sender has nothing. */
const GOOD = Buffer.from([8, 0xce, 0x4c, 0x10, 1]);

/** A key of its own for each test, and a change that makes servers look. */
async function newKey(wish: Parameters<typeof makeKey>[1]): Promise<SigningKey> {
  const key = await makeKey(stack.database, { ratePerSecond: RATE, ...wish });
  const other = await makeKey(stack.database);
  await stack.grpc.call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: other.keyId });
  return key;
}

function reasonOf(
  key: SigningKey,
  path: string,
  body: Buffer,
  identity: { userId?: string; idempotencyKey?: string } = {
    userId: String(ANNA),
    idempotencyKey: crypto.randomUUID(),
  },
): Promise<string> {
  const metadata = new Metadata();
  const headers = signedHeaders({ method: 'POST', target: path, body }, identity, key);
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const asIs = (bytes: Buffer) => bytes;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, asIs, asIs, body, metadata, { deadline: Date.now() + 30_000 }, (error) =>
      resolve(error ? PpuriError.ofGrpc(error).reason : 'OK'),
    );
  });
}

const REFUSED: Record<
  string,
  {
    readonly wish?: Parameters<typeof makeKey>[1];
    readonly reason: string;
    readonly call: (key: SigningKey) => Promise<string>;
  }
> = {
  'a scope that the key lacks': {
    wish: { scopes: ['read'] },
    reason: 'MISSING_SCOPE',
    call: (key) => reasonOf(key, PAY, GOOD),
  },
  "a user that is not the key's": {
    wish: { userId: BigInt(BO) },
    reason: 'KEY_USER_MISMATCH',
    call: (key) => reasonOf(key, PAY, GOOD),
  },
  'no user': { reason: 'INVALID_HEADER', call: (key) => reasonOf(key, PAY, GOOD, { idempotencyKey: 'k' }) },
  'a field that is wrong': {
    reason: 'INVALID_FIELD',
    call: (key) => reasonOf(key, PAY, Buffer.from([8, 1])),
  },
  'bytes that are no message': {
    reason: 'MALFORMED_REQUEST',
    call: (key) => reasonOf(key, PAY, Buffer.from([0x0c])),
  },
};

for (const [name, { wish, reason, call }] of Object.entries(REFUSED)) {
  test(`charged: ${name}`, async () => {
    const key = await newKey(wish);
    const reasons: string[] = [];
    // The burst is twice the rate, and a slow machine may get one more.
    for (let count = 0; count < 8; count++) reasons.push(await call(key));
    assert.equal(reasons[0], reason);
    assert.ok(reasons.includes('RATE_LIMITED'), reasons.join());
  });
}

test('a list that is too long is charged like a full one, and refused without being read', async () => {
  const key = await newKey({ ratePerSecond: LIST_COST });
  const empty = Buffer.from('0a00'.repeat(500_000), 'hex');
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const reasons = [await reasonOf(key, BATCH, empty)];
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuMs = (user + system) / 1000;
  assert.ok(cpuMs < REFUSING_CPU_MS, `${cpuMs} ms of CPU`);
  for (let count = 0; count < 3; count++) reasons.push(await reasonOf(key, BATCH, empty));
  assert.equal(reasons[0], 'INVALID_FIELD');
  // The burst is two full lists; within a second one more may have come back.
  if (performance.now() - startedAt < 1000) assert.ok(reasons.includes('RATE_LIMITED'), reasons.join());
});
