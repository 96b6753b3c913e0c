// The settings: defaults, bounds, and every fault named at once, without a secret's value.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../src/runtime/env.ts';
import { readServerConfig } from '../src/server/config.ts';
import { readWorkerConfig } from '../src/worker/config.ts';

const WORKER = { DATABASE_URL: 'postgres://a@127.0.0.1/b', REDIS_URL: 'redis://127.0.0.1:6379' };
const SERVER = {
  ...WORKER,
  EDGE_SECRET: 'sixteen characters at least',
  KEY_ENCRYPTION_KEYS: `a:${Buffer.alloc(32).toString('base64')}`,
};

/** The faults that a server finds in its variables. */
function faultsOf(env: NodeJS.ProcessEnv, others: readonly string[] = []): string[] {
  try {
    readServerConfig(env, others);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message.split('\n');
  }
}

test('what is not set has its default', () => {
  const config = readServerConfig(SERVER);
  assert.equal(config.grpcPort, 50_051);
  assert.equal(config.sprinkleLifetimeMs, 600_000);
  assert.equal(config.replica.url, undefined);
  assert.equal(config.grpcTls, undefined);
  assert.deepEqual(config.allowedNetworks, []);
  assert.equal(readWorkerConfig(WORKER).opsKey, undefined);
});

test('an empty variable counts as not set', () => {
  assert.equal(readServerConfig({ ...SERVER, GRPC_PORT: '', ADMIN_DATABASE_URL: '' }).grpcPort, 50_051);
  assert.deepEqual(faultsOf({ ...SERVER, EDGE_SECRET: '' }), [
    'EDGE_SECRET is required: it must be 16 characters or more',
  ]);
});

test('every variable that is missing, wrong or unknown is named at once, with its value and its bounds', () => {
  assert.deepEqual(
    faultsOf({
      REPLICA_LAG_MS: '-1',
      GRPC_PORT: '70000',
      GRPC_TLS_CERT: '/nowhere/cert.pem',
      LEDGER_LANES: '1.5',
      LOG_LEVEL: 'loud',
      ALLOWED_NETWORKS: 'home',
      LEDGER_QUEUE: '5',
    }),
    [
      'DATABASE_URL is required: it must be a URL that starts with postgres:// or postgresql://',
      'REDIS_URL is required: it must be a URL that starts with redis:// or rediss://',
      'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, not "loud"',
      'LEDGER_LANES must be a whole number from 1 to 32, not "1.5"',
      'REPLICA_LAG_MS must be a whole number from 0 to 10000, not "-1"',
      'GRPC_PORT must be a whole number from 0 to 65535, not "70000"',
      'GRPC_TLS_CERT must be the path of a file that can be read, not "/nowhere/cert.pem"',
      'EDGE_SECRET is required: it must be 16 characters or more',
      'KEY_ENCRYPTION_KEYS is required: it must be ID:KEY, each KEY 32 bytes in base64, several separated by commas',
      'ALLOWED_NETWORKS must be CIDR blocks separated by commas, such as 10.0.0.0/8,2001:db8::/32, not "home"',
      'LEDGER_QUEUE is not a variable of ppuri',
    ],
  );
});

test('the value of a secret is not shown', () => {
  const secrets = {
    DATABASE_URL: 'mysql://user:hunter2@host/db',
    REDIS_URL: 'http://:hunter2@host',
    EDGE_SECRET: 'hunter2',
    KEY_ENCRYPTION_KEYS: 'a:hunter2',
  };
  const faults = faultsOf(secrets);
  assert.equal(faults.length, 4);
  for (const fault of faults) {
    assert.match(fault, /, and its value is not$/);
    assert.doesNotMatch(fault, /hunter2/);
  }
});

test('a statement may not run so long that figures of an hour would miss its transfers', () => {
  const [fault] = faultsOf({ ...SERVER, STATEMENT_TIMEOUT_MS: '20000' });
  assert.equal(fault, 'STATEMENT_TIMEOUT_MS must be a whole number from 1000 to 18166, not "20000"');
});

test('a certificate needs its key', () => {
  const env = { ...SERVER, GRPC_TLS_CERT: import.meta.filename };
  assert.deepEqual(faultsOf(env), ['GRPC_TLS_CERT and GRPC_TLS_KEY must be set together']);
});

test('a misspelt name is told with the name that was probably meant', () => {
  assert.deepEqual(faultsOf({ ...SERVER, GRPC_PROT: '1', MAX_INFLIGHT: '5', LEDGER_LANE: '2' }), [
    'GRPC_PROT is not a variable of ppuri; did you mean GRPC_PORT?',
    'MAX_INFLIGHT is not a variable of ppuri; did you mean MAX_IN_FLIGHT?',
    'LEDGER_LANE is not a variable of ppuri; did you mean LEDGER_LANES?',
  ]);
});

test('what others set in the environment is no fault', () => {
  const foreign = {
    PATH: '/bin',
    HOME: '/',
    PGHOST: 'db',
    GRPC_VERBOSITY: 'DEBUG',
    GRPC_TRACE: 'all',
    REDIS_PASSWORD: 'x',
    // Near REDIS_URL and GRPC_PORT, which are set themselves.
    REDIS_URI: 'redis://elsewhere',
    GRPC_PORTS: '1,2',
    GRPC_PORT: '50051',
    // What Kubernetes sets for a service that is called ledger.
    LEDGER_SERVICE_HOST: '10.0.0.1',
    LEDGER_PORT_80_TCP: 'tcp://10.0.0.1:80',
  };
  assert.deepEqual(faultsOf({ ...SERVER, ...foreign }), []);
  assert.deepEqual(
    faultsOf({ ...SERVER, PURGE_API_KEYS_AFTER_DAYS: '5' }, ['PURGE_API_KEYS_AFTER_DAYS']),
    [],
  );
});
