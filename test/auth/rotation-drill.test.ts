// The rotation drill: under constant traffic through two servers, a key is replaced, retired and revoked without an error.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../clients/typescript/src/connection.ts';
import type { PpuriError } from '../../clients/typescript/src/error.ts';
import { hmacKey } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { createServerProgram, type ServerProgram } from '../../src/server/compose.ts';
import { actingAs } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';

const ANNA = 9901;
const CALLERS = 10;
const OVERLAP_MS = 4000;
/** So long after a change every server knows of it. */
const KNOWN_MS = 1000;
const WISH = { display_name: 'drill', kind: 'API_KEY_KIND_HMAC_SHA256', scopes: ['SCOPE_READ'] };
let stack: Stack;
let second: ServerProgram;
before(async () => {
  stack = await startStack();
  second = await createServerProgram(stack.config);
  await stack.addUsers([ANNA]);
});
after(async () => {
  await second.stop();
  await stack.stop();
});

interface Seen {
  readonly keyId: string;
  readonly sentAt: number;
  readonly answeredAt: number;
  /** Empty when it passed. */
  readonly reason: string;
}

test('a rotation refuses no valid call and accepts no invalid one', async () => {
  const made = await stack.grpc.call('admin.v1.ApiKeyService/CreateApiKey', WISH);
  const old = hmacKey(String(made.at('api_key', 'key_id')), String(made.body.secret));
  await sleep(KNOWN_MS);

  const keys: SigningKey[] = Array(CALLERS).fill(old);
  const seen: Seen[] = [];
  let isOver = false;
  const caller = async (index: number) => {
    const port = index % 2 === 0 ? stack.app.grpcPort : second.grpcPort;
    while (!isOver) {
      const key = keys[index] ?? old;
      const connection = connect(`127.0.0.1:${port}`, key, { retry: false });
      const sentAt = Date.now();
      const call = connection.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA));
      const reason = await call.then(
        () => '',
        (error: unknown) => (error as PpuriError).reason,
      );
      seen.push({ keyId: key.keyId, sentAt, answeredAt: Date.now(), reason });
      connection.close();
      await sleep(80);
    }
  };
  const traffic = Array.from({ length: CALLERS }, (_, index) => caller(index));

  await sleep(500);
  const request = { key_id: old.keyId, overlap: `${OVERLAP_MS / 1000}s` };
  const rotated = await stack.grpc.call('admin.v1.ApiKeyService/RotateApiKey', request);
  const oldEndsAt = Date.parse(String(rotated.at('replaced', 'revoked_at')));
  const fresh = hmacKey(String(rotated.at('api_key', 'key_id')), String(rotated.body.secret));
  await sleep(KNOWN_MS);
  // The callers move over one by one; the last two are forgotten and go on with the old key.
  for (let index = 0; index < CALLERS - 2; index++) {
    keys[index] = fresh;
    await sleep(60);
  }
  await sleep(Math.max(0, oldEndsAt - Date.now()) + 1000);
  const freshRevokedAt = Date.now();
  await stack.grpc.call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: fresh.keyId });
  const freshEndsAt = Date.now() + KNOWN_MS;
  await sleep(KNOWN_MS + 500);
  isOver = true;
  await Promise.all(traffic);

  const signedWith = (key: SigningKey) => seen.filter(({ keyId }) => keyId === key.keyId);
  const early = [
    ...signedWith(old).filter(({ answeredAt }) => answeredAt < oldEndsAt),
    ...signedWith(fresh).filter(({ answeredAt }) => answeredAt < freshRevokedAt),
  ];
  const late = [
    ...signedWith(old).filter(({ sentAt }) => sentAt > oldEndsAt),
    ...signedWith(fresh).filter(({ sentAt }) => sentAt > freshEndsAt),
  ];
  assert.ok(
    early.length > 2 * CALLERS && late.length > CALLERS / 2,
    `${early.length} before and ${late.length} after`,
  );
  assert.deepEqual(
    early.filter(({ reason }) => reason !== ''),
    [],
  );
  assert.deepEqual(
    late.filter(({ reason }) => reason !== 'AUTHENTICATION_FAILED'),
    [],
  );
});
