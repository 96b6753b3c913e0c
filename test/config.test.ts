// The settings: defaults, bounds, and every fault named at once, without a secret's value.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('Sentinels are named by host and port, and REDIS_URL names their group', () => {
  const redisOf = (env: NodeJS.ProcessEnv) => readWorkerConfig({ ...WORKER, ...env }).redis;
  assert.deepEqual(redisOf({}).sentinels, []);
  const group = {
    REDIS_URL: 'rediss://:hunter2@ppuri/1',
    REDIS_SENTINELS: '10.0.0.1:26379, [::1]:26380,s3.internal:1',
  };
  assert.deepEqual(redisOf(group).sentinels, [
    { host: '10.0.0.1', port: 26_379 },
    { host: '::1', port: 26_380 },
    { host: 's3.internal', port: 1 },
  ]);
  const bounds = 'up to 16 different HOST:PORT separated by commas';
  for (const wrong of [
    '10.0.0.1',
    '10.0.0.1:0',
    '10.0.0.1:65536',
    '::1:26379',
    'a:1,a:1',
    'redis://a:1',
    'a:1;b:1',
  ])
    assert.deepEqual(faultsOf({ ...SERVER, ...group, REDIS_SENTINELS: wrong }), [
      `REDIS_SENTINELS must be ${bounds}, not "${wrong}"`,
    ]);
  const many = Array.from({ length: 17 }, (_, index) => `s${index}:1`).join();
  assert.equal(faultsOf({ ...SERVER, ...group, REDIS_SENTINELS: many }).length, 1);
  for (const url of ['redis://:hunter2@ppuri:6379', 'redis:///1']) {
    const faults = faultsOf({ ...SERVER, ...group, REDIS_URL: url });
    assert.deepEqual(
      faults.map((fault) => fault.split(' instead')[0]),
      ['REDIS_URL must name the group of the Sentinels'],
    );
  }
  assert.deepEqual(faultsOf({ ...SERVER, REDIS_SENTINEL_PASSWORD: 'hunter2' }), [
    'REDIS_SENTINEL_PASSWORD needs REDIS_SENTINELS',
  ]);
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

test('tracing is off by default, and a bad share, collector or header stops the start', () => {
  assert.equal(readServerConfig(SERVER).tracing.endpoint, undefined);
  const { tracing } = readWorkerConfig({
    ...WORKER,
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=abc, x-team = 7',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
  });
  assert.deepEqual(
    [tracing.endpoint, tracing.ratio, { ...tracing.headers }],
    ['http://collector:4318', 0.25, { 'x-key': 'abc', 'x-team': '7' }],
  );
  const bad = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
    OTEL_EXPORTER_OTLP_HEADERS: 'a header without a value',
    OTEL_EXPORTER_OTLP_TIMEOUT: '0',
    OTEL_TRACES_SAMPLER_ARG: '1.5',
  };
  assert.deepEqual(
    faultsOf({ ...SERVER, ...bad }).map((fault) => fault.split(' ')[0]),
    Object.keys(bad),
  );
});

test('a secret is read from the file that NAME_FILE names, without the line break at its end', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-secrets-'));
  const fileWith = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const { EDGE_SECRET, DATABASE_URL, ...rest } = SERVER;
  const files = {
    EDGE_SECRET_FILE: fileWith('edge', `${EDGE_SECRET} \n\n`),
    DATABASE_URL_FILE: fileWith('database', `${DATABASE_URL}\r\n`),
  };
  try {
    const config = readServerConfig({ ...rest, ...files });
    assert.equal(config.edgeSecret, `${EDGE_SECRET} \n`);
    assert.equal(config.databaseUrl, DATABASE_URL);
    assert.deepEqual(faultsOf({ ...rest, ...files, EDGE_SECRET_FILE: '', EDGE_SECRET }), []);
    const empty = fileWith('empty', '\n');
    const short = fileWith('short', 'hush\n');
    assert.deepEqual(
      faultsOf({ ...SERVER, ...files, REDIS_URL: '', REDIS_URL_FILE: empty, GRPC_PORT_FILE: empty }),
      [
        'DATABASE_URL and DATABASE_URL_FILE are both set; leave out one of them',
        `REDIS_URL_FILE: ${empty} is empty`,
        'GRPC_PORT_FILE is not a variable of ppuri: GRPC_PORT is no secret',
        'EDGE_SECRET and EDGE_SECRET_FILE are both set; leave out one of them',
      ],
    );
    assert.deepEqual(faultsOf({ ...rest, EDGE_SECRET_FILE: short, DATABASE_URL_FILE: `${folder}/none` }), [
      `DATABASE_URL_FILE: ${folder}/none cannot be read (ENOENT)`,
      'EDGE_SECRET must be 16 characters or more, and its value is not',
    ]);
    assert.deepEqual(faultsOf({ ...SERVER, EDGE_SECRET: '', EDGE_SECRET_FIEL: short }), [
      'EDGE_SECRET is required: it must be 16 characters or more',
      'EDGE_SECRET_FIEL is not a variable of ppuri; did you mean EDGE_SECRET_FILE?',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('settings of Kafka go together, and none of its faults shows the password', () => {
  const faults = (env: NodeJS.ProcessEnv) => {
    try {
      readWorkerConfig({ ...WORKER, KAFKA_BROKERS: 'kafka-1:9092', ...env });
      return [];
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.message.split('\n');
    }
  };
  const login = { KAFKA_USERNAME: 'ppuri', KAFKA_PASSWORD: 'hunter2' };
  assert.deepEqual(faults({ KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512', ...login }), []);
  assert.deepEqual(faults({ KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_TLS: 'true', ...login }), []);
  const wrong = [
    faults({ KAFKA_TOPIC: 'all events' }),
    faults({ KAFKA_SASL_MECHANISM: 'PLAIN', ...login }),
    faults({ KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256', KAFKA_USERNAME: 'ppuri' }),
    faults(login),
    faults({ KAFKA_BROKERS: '', KAFKA_TLS: 'true' }),
  ].flat();
  assert.deepEqual(wrong, [
    'KAFKA_TOPIC must be up to 249 letters, digits, dots, underscores and hyphens',
    'KAFKA_SASL_MECHANISM PLAIN needs KAFKA_TLS: it sends the password as it is',
    'KAFKA_SASL_MECHANISM needs KAFKA_USERNAME and KAFKA_PASSWORD',
    'KAFKA_USERNAME and KAFKA_PASSWORD need KAFKA_SASL_MECHANISM',
    'KAFKA_TLS and KAFKA_SASL_MECHANISM need KAFKA_BROKERS',
  ]);
});
