// The settings: defaults, and every fault named at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, readServerConfig } from '../src/server/config.ts';

const GOOD = {
  DATABASE_URL: 'postgres://a@127.0.0.1/b',
  REDIS_URL: 'redis://127.0.0.1:6379',
  EDGE_SECRET: 'sixteen characters at least',
  KEY_ENCRYPTION_KEYS: `a:${Buffer.alloc(32).toString('base64')}`,
};

test('what is not set has its default', () => {
  const config = readServerConfig(GOOD);
  assert.equal(config.grpcPort, 50051);
  assert.equal(config.sprinkleLifetimeMs, 600_000);
  assert.equal(config.sprinkleLookupMs, 7 * 86_400_000);
  assert.equal(config.replica, undefined);
});

test('every variable that is missing or wrong is named, all at once', () => {
  const wrong = {
    DATABASE_URL: 'mysql://x',
    REPLICA_URL: 'mysql://y',
    GRPC_PORT: '70000',
    LEDGER_LANES: '1.5',
    LOG_LEVEL: 'loud',
    ALLOWED_NETWORKS: 'home',
  };
  assert.throws(
    () => readServerConfig(wrong),
    (error) => {
      assert.ok(error instanceof ConfigError);
      for (const name of [
        'DATABASE_URL',
        'REPLICA_URL',
        'REDIS_URL',
        'GRPC_PORT',
        'LEDGER_LANES',
        'LOG_LEVEL',
        'EDGE_SECRET',
        'KEY_ENCRYPTION_KEYS',
        'ALLOWED_NETWORKS',
      ]) {
        assert.match(error.message, new RegExp(name));
      }
      return true;
    },
  );
});

test('a wrong URL is not repeated in the message: it may hold a password', () => {
  const secret = { ...GOOD, DATABASE_URL: 'mysql://user:hunter2@host/db' };
  assert.throws(
    () => readServerConfig(secret),
    (error) => error instanceof ConfigError && !error.message.includes('hunter2'),
  );
});
