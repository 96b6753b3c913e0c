// The variables that the commands of this repository read, besides those of the server and the worker.
import { resolve } from 'node:path';
import {
  ConfigError,
  listVariables,
  readVariables,
  type ValuesOf,
  type Variable,
  type Variables,
  variableNames,
} from '../../src/runtime/env.ts';
import {
  choice,
  hidden,
  optionalSecret,
  optionalText,
  optionalUrl,
  secret,
  text,
  whole,
} from '../../src/runtime/variable-kinds.ts';
import { COMMON_VARIABLES, POSTGRES_SCHEMES, redisAddressFaults } from '../../src/runtime/variables.ts';
import { ADDRESS_RATE_PER_SECOND, SERVER_VARIABLES } from '../../src/server/config.ts';
import { WORKER_VARIABLES } from '../../src/worker/config.ts';

const ROOT = resolve(import.meta.dirname, '../..');

const port = (name: string, whose: string, fallback: number) =>
  whole(name, `The port of ${whose}.`, { fallback, min: 1, max: 65_535 });

/** The ports of everything that `npm start` starts. */
export const PORT_VARIABLES = {
  rest: port('REST_PORT', 'REST, at the edge', 8080),
  grpc: port('GRPC_PORT', "calls, at `npm start`'s server", 50_051),
  grpcEdge: port('GRPC_EDGE_PORT', 'gRPC and gRPC-Web, at the edge', 8081),
  adminGrpc: port('ADMIN_GRPC_PORT', 'admin.v1', 50_052),
  ops: port('OPS_PORT', "health and metrics of `npm start`'s server", 9464),
  workerOps: port('WORKER_OPS_PORT', 'health, metrics and the board of queues of the worker', 9465),
  adminOps: port('ADMIN_OPS_PORT', 'health, metrics and the operator page of the server of admin.v1', 9466),
  docs: port('DOCS_PORT', 'the API reference', 8082),
  envoyAdmin: port('ENVOY_ADMIN_PORT', 'readiness and statistics of Envoy', 9901),
  postgres: port('POSTGRES_PORT', 'Postgres', 54_329),
  redis: port('REDIS_PORT', 'Redis', 63_799),
};

/** The data folder of `npm start`, as an absolute path. */
export const DATA_DIR: Variable<string> = {
  ...text('DATA_DIR', 'The data folder of `npm start`, relative to this repository.', 'var'),
  parse: (name) => resolve(ROOT, name),
};

const ADDRESS_RATE = whole(
  'EDGE_RATE_PER_SECOND',
  'The calls that a client address (IPv6: its /64) may make in a second on each listener of the edge; twice that at once.',
  { fallback: ADDRESS_RATE_PER_SECOND, min: 1, max: 1_000_000, unit: 'calls a second' },
);

/** Edge: `npm run edge`. */
export const EDGE_VARIABLES = {
  addressRatePerSecond: ADDRESS_RATE,
  tracing: {
    endpoint: COMMON_VARIABLES.tracing.endpoint,
    ratio: COMMON_VARIABLES.tracing.ratio,
  },
};

/** `npm run migrate`. */
export const MIGRATE_VARIABLES = {
  databaseUrl: COMMON_VARIABLES.databaseUrl,
  archiveDatabaseUrl: COMMON_VARIABLES.archiveDatabaseUrl,
  appPassword: secret('APP_PASSWORD', 'The password that ppuri_app, the login of servers, gets.'),
  workerPassword: secret('WORKER_PASSWORD', 'The password that ppuri_worker gets.'),
  adminPassword: secret('ADMIN_PASSWORD', 'The password that ppuri_admin, the login of admin.v1, gets.'),
};

/** Texts separated by commas, each of this form; none where it is not set. */
function list(name: string, meaning: string, form: RegExp, bounds: string): Variable<readonly string[]> {
  const parse = (value: string) => {
    const entries = value.split(/[\s,]+/).filter((entry) => entry !== '');
    return entries.every((entry) => form.test(entry)) ? entries : undefined;
  };
  return { ...text(name, meaning, ''), bounds, parse };
}

/** What waits until a database has been migrated. */
export const AWAIT_MIGRATIONS_VARIABLES = {
  databaseUrl: COMMON_VARIABLES.databaseUrl,
  archiveDatabaseUrl: COMMON_VARIABLES.archiveDatabaseUrl,
};

/** The same variable where it may be left out; its value stays the text that was given. */
function optionalTextOf<T>(variable: Variable<T>): Variable<string | undefined> {
  const parse = (value: string) => (variable.parse(value) === undefined ? undefined : value);
  return { ...variable, isRequired: false, parse };
}

const KEY_ENCRYPTION_KEYS = optionalTextOf(SERVER_VARIABLES.keyEncryptionKeys);

/** `npm run keys`: the three of a database, or else the data folder of a running `npm start`. */
export const KEYS_VARIABLES = {
  adminDatabaseUrl: SERVER_VARIABLES.adminDatabaseUrl,
  redis: { ...COMMON_VARIABLES.redis, url: optionalTextOf(COMMON_VARIABLES.redis.url) },
  keyEncryptionKeys: KEY_ENCRYPTION_KEYS,
  dataDir: DATA_DIR,
};

/** A fault where there is a database without what belongs to it: the keys of another one would be managed instead. */
export function checkKeys({
  adminDatabaseUrl,
  redis: { url, ...redis },
  keyEncryptionKeys,
}: ValuesOf<typeof KEYS_VARIABLES>): string[] {
  if (adminDatabaseUrl && !(url && keyEncryptionKeys))
    return ['ADMIN_DATABASE_URL needs REDIS_URL and KEY_ENCRYPTION_KEYS'];
  return url ? redisAddressFaults({ ...redis, url }) : [];
}

/** `npm run verify`: the database, or else that of a running `npm start`. */
export const VERIFY_VARIABLES = {
  databaseUrl: optionalTextOf(COMMON_VARIABLES.databaseUrl),
  archiveDatabaseUrl: COMMON_VARIABLES.archiveDatabaseUrl,
  dataDir: DATA_DIR,
};

/** What `npm start` sets itself for the programs that it starts, whatever the environment says. */
const SET_BY_START: ReadonlySet<string> = new Set([
  'DATABASE_URL',
  'ARCHIVE_DATABASE_URL',
  'ADMIN_DATABASE_URL',
  'REDIS_URL',
  'REDIS_SENTINELS',
  'REDIS_SENTINEL_PASSWORD',
  'GRPC_HOST',
  'GRPC_PORT',
  'OPS_HOST',
  'OPS_PORT',
  'OPS_KEY',
  'LOG_DIR',
  'EDGE_SECRET',
  'KEY_ENCRYPTION_KEYS',
]);

/** What `npm start` sets for the programs that it starts where the environment says nothing. */
export const START_DEFAULTS: Readonly<Record<string, string>> = {
  // There is no other server, and the edge has stopped by then.
  STOP_DRAIN_MS: '0',
  // Ctrl-C takes ten seconds at most; calls take milliseconds.
  STOP_GRACE_MS: '5000',
  // Useful in development; off by default.
  GRPC_REFLECTION: 'true',
  // Receivers of webhooks under development run on this machine.
  WEBHOOKS_TO_LOOPBACK: 'true',
  // The transfers of a payout would flood the terminal; they are in the file.
  LOG_STDOUT: 'app',
  // Where `npm run observe` listens, the standard port of OTLP over HTTP. Spans of 1 % of the calls are dropped without it.
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
};

/** The variables of server and worker that they get from the environment of `npm start`. */
const PASSED_ON: Variables = Object.fromEntries(
  listVariables({ server: SERVER_VARIABLES, worker: WORKER_VARIABLES })
    .filter(({ name }) => !SET_BY_START.has(name))
    .map((variable) => [variable.name, variable]),
);

/** `npm start`. */
export const START_VARIABLES = {
  ports: PORT_VARIABLES,
  dataDir: DATA_DIR,
  keyEncryptionKeys: KEY_ENCRYPTION_KEYS,
  opsKey: WORKER_VARIABLES.opsKey,
  addressRatePerSecond: ADDRESS_RATE,
  passedOn: PASSED_ON,
};

/** A key to sign calls with, in place of the one in dev.json. */
export const SIGNER_VARIABLES = {
  keyId: optionalText('PPURI_KEY_ID', 'The id of the API key that signs the calls of a command.'),
  secret: optionalSecret('PPURI_SECRET', 'The secret of that key.'),
};

/** A key to sign with, where both are there. */
export type Signer = ValuesOf<typeof SIGNER_VARIABLES>;

/** `npm run call`, `curl` and `payout`. */
export const CALL_VARIABLES = { dataDir: DATA_DIR, signer: SIGNER_VARIABLES };

/** A fault where there is only one of the two. */
export function checkSigner({ signer: { keyId, secret } }: { readonly signer: Signer }): string[] {
  return (keyId === undefined) === (secret === undefined)
    ? []
    : ['PPURI_KEY_ID and PPURI_SECRET must be set together'];
}

/** `npm run observe`. */
export const OBSERVE_VARIABLES = { dataDir: DATA_DIR, keyEncryptionKeys: KEY_ENCRYPTION_KEYS };

/** `npm run bench`. */
export const BENCH_VARIABLES = {
  dataDir: optionalText(
    'BENCH_DATA_DIR',
    'An empty folder for the data of the bench, on the disk that is to be measured. Without it there is one in the temporary folder of the system.',
  ),
};

/** `npm run load`. */
export const LOAD_VARIABLES = { signer: SIGNER_VARIABLES };

const BACKUP_URL = optionalText(
  'BACKUP_URL',
  'Where backups and WAL are kept: an absolute path, `file:///PATH`, or `s3://BUCKET/PREFIX?endpoint=URL&region=NAME`.',
);

/** `npm run restore`, which may name the storage and the identity on its command line too. */
export const RESTORE_VARIABLES = {
  url: BACKUP_URL,
  identityFile: optionalText(
    'BACKUP_IDENTITY_FILE',
    'The file with the private key of age that opens encrypted backups.',
  ),
  aws: {
    accessKeyId: optionalText('AWS_ACCESS_KEY_ID', 'The id of the key of S3-compatible storage.'),
    secretAccessKey: hidden(optionalText('AWS_SECRET_ACCESS_KEY', 'The secret of that key.')),
    sessionToken: hidden(optionalText('AWS_SESSION_TOKEN', 'The session token of S3-compatible storage.')),
    region: text('AWS_REGION', 'The region of S3-compatible storage whose URL names none.', 'us-east-1'),
  },
};

/** `scripts/archive-wal.ts`, which archives one file of WAL. */
export const ARCHIVE_WAL_VARIABLES = {
  url: { ...BACKUP_URL, isRequired: true } as Variable<string>,
  recipients: list(
    'BACKUP_RECIPIENTS',
    'The public keys of age that backups are encrypted for. Without it they are not encrypted.',
    /^age1[a-z0-9]+$/,
    'public keys of age (age1…), separated by commas',
  ),
  aws: RESTORE_VARIABLES.aws,
};

/** `npm run checkpoints`. */
export const CHECKPOINTS_VARIABLES = {
  checkpointDir: WORKER_VARIABLES.checkpointDir,
  url: ARCHIVE_WAL_VARIABLES.url,
  aws: RESTORE_VARIABLES.aws,
};

/** `npm run archive`. */
export const ARCHIVE_VARIABLES = {
  ...ARCHIVE_WAL_VARIABLES,
  socket: text(
    'ARCHIVE_SOCKET',
    'The Unix socket on which `archive_command` asks for a file of WAL to be stored.',
    '/run/ppuri-archive/archive.sock',
  ),
};

/** `npm run backup`. */
export const BACKUP_VARIABLES = {
  ...ARCHIVE_WAL_VARIABLES,
  databaseUrl: optionalUrl(
    'BACKUP_DATABASE_URL',
    'The cluster to back up, with a login that may replicate and read the settings of the ledger.',
    POSTGRES_SCHEMES,
  ),
  keepFull: whole('BACKUP_KEEP_FULL', 'The minimum number of full backups that are kept.', {
    fallback: 2,
    min: 1,
    max: 99_999,
  }),
  keepDays: whole('BACKUP_KEEP_DAYS', 'Every moment of this many days can be restored.', {
    fallback: 14,
    min: 0,
    max: 99_999,
    unit: 'days',
  }),
  fullEveryDays: whole(
    'BACKUP_FULL_EVERY_DAYS',
    'The age of a full backup at which the next one is due; in between, backups are incremental.',
    { fallback: 7, min: 0, max: 99_999, unit: 'days' },
  ),
  maxRate: {
    ...optionalText('BACKUP_MAX_RATE', 'The maximum rate of a backup. Without it there is no limit.'),
    bounds: 'from 32k to 1024M bytes a second, such as 64M',
    parse: (value: string) => (/^[1-9]\d*[kM]?$/.test(value) ? value : undefined),
  },
  keyEncryptionKeys: KEY_ENCRYPTION_KEYS,
};

/** `npm run drill -- backups`. */
export const DRILL_VARIABLES = { ...RESTORE_VARIABLES, maxRate: BACKUP_VARIABLES.maxRate };

/** A fault where a backup has no database. */
export function checkBackup({ databaseUrl }: ValuesOf<typeof BACKUP_VARIABLES>): string[] {
  return databaseUrl ? [] : ['BACKUP_DATABASE_URL is required: a login that may replicate'];
}

/** Every program of the image. */
export const IMAGE_VARIABLES = {
  confinement: choice(
    'CONFINEMENT',
    'What a program of the image does where it runs as root or on a writable root file system: `required` stops it, `warn` prints a line.',
    ['required', 'warn'],
    'required',
  ),
};

/** `npm test`. */
export const TEST_VARIABLES = {
  ci: optionalText(
    'CI',
    'With `true` it is an error that PostgreSQL, Redis or Envoy cannot be installed; otherwise the tests that need them are skipped.',
  ),
};

/** Every program, and what it reads. */
export const PROGRAMS: Readonly<Record<string, Variables>> = {
  server: SERVER_VARIABLES,
  worker: WORKER_VARIABLES,
  migrate: MIGRATE_VARIABLES,
  'await-migrations': AWAIT_MIGRATIONS_VARIABLES,
  keys: KEYS_VARIABLES,
  verify: VERIFY_VARIABLES,
  edge: EDGE_VARIABLES,
  start: START_VARIABLES,
  call: CALL_VARIABLES,
  curl: CALL_VARIABLES,
  payout: CALL_VARIABLES,
  statement: CALL_VARIABLES,
  webhooks: CALL_VARIABLES,
  observe: OBSERVE_VARIABLES,
  bench: BENCH_VARIABLES,
  load: LOAD_VARIABLES,
  backup: BACKUP_VARIABLES,
  restore: RESTORE_VARIABLES,
  drill: DRILL_VARIABLES,
  archive: ARCHIVE_VARIABLES,
  checkpoints: CHECKPOINTS_VARIABLES,
  'archive-wal': ARCHIVE_WAL_VARIABLES,
  image: IMAGE_VARIABLES,
  test: TEST_VARIABLES,
};

/** Reads the variables of a program; where any is wrong or unknown, it prints every fault and exits with 1. */
export function readSettings<V extends Variables>(
  variables: V,
  check: (values: ValuesOf<V>) => string[] = () => [],
  env: NodeJS.ProcessEnv = process.env,
): ValuesOf<V> {
  const others = Object.values(PROGRAMS).flatMap(variableNames);
  try {
    return readVariables(variables, env, { others, check });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
