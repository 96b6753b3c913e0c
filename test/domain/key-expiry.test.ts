// Which API key's expiry operators are told of: the first of those that nothing replaces.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiKey, nextExpiry } from '../../src/domain/api-key.ts';

const NOW = 1_000;
const key = (fields: Partial<ApiKey>): ApiKey => ({
  id: 'k',
  displayName: 'k',
  kind: 'hmac-sha256',
  scopes: ['read'],
  userId: undefined,
  allowedNetworks: [],
  ratePerSecond: undefined,
  replacesId: undefined,
  createdAt: 0,
  activeFrom: 0,
  revokedAt: undefined,
  expiresAt: undefined,
  useCount: 0n,
  lastUsedAt: undefined,
  ...fields,
});

test('the first live key that expires counts', () => {
  assert.equal(nextExpiry([], NOW), undefined);
  assert.equal(nextExpiry([key({})], NOW), undefined);
  const keys = [key({ expiresAt: 3_000 }), key({ expiresAt: 2_000 }), key({})];
  assert.equal(nextExpiry(keys, NOW), 2_000);
});

test('keys that have ended, have not begun, or are being replaced do not count', () => {
  const others = [
    key({ expiresAt: NOW }),
    key({ expiresAt: 2_000, revokedAt: NOW }),
    key({ expiresAt: 2_000, revokedAt: 1_500 }),
    key({ expiresAt: 2_000, activeFrom: 1_500 }),
  ];
  assert.equal(nextExpiry(others, NOW), undefined);
});
