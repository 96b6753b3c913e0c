// The variables that both programs read.
import {
  LEAST_STATEMENT_TIMEOUT_MS,
  MOST_STATEMENT_TIMEOUT_MS,
  STATEMENT_TIMEOUT_MS,
} from '../db/timeouts.ts';
import type { RedisAddress } from '../redis/index.ts';
import type { ValuesOf } from './env.ts';
import {
  addresses,
  choice,
  flag,
  headers,
  hidden,
  optionalText,
  optionalUrl,
  share,
  text,
  url,
  whole,
} from './variable-kinds.ts';

/** The schemes of a URL of Postgres. */
export const POSTGRES_SCHEMES = ['postgres:', 'postgresql:'];
const REDIS_SCHEMES = ['redis:', 'rediss:'];
/** What KEY_ENCRYPTION_KEYS is for, in every program that reads it. */
export const SEALED_SECRETS =
  'What seals secrets in the database, such as those of API keys: the first key seals, all of them open. A worker that has it signs and seals, too.';
const TEN_MINUTES_MS = 10 * 60_000;

/** Which logs go to stdout; `app` leaves out transactions and audit. */
const LOG_STDOUTS = ['all', 'app', 'none'] as const;
/** From which level on a line is logged, least important first. */
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What both programs are told. */
export const COMMON_VARIABLES = {
  databaseUrl: url(
    'DATABASE_URL',
    'The database, with a login that has the rights of ppuri_app for a server and of ppuri_worker for a worker, and that owns the database and may make roles (CREATEROLE) for migrate.',
    POSTGRES_SCHEMES,
  ),
  redis: {
    url: url(
      'REDIS_URL',
      'Redis; `rediss:` is Redis over TLS. With REDIS_SENTINELS its host is the name of the group that they watch, and it has no port.',
      REDIS_SCHEMES,
    ),
    sentinels: addresses(
      'REDIS_SENTINELS',
      'The Sentinels that name the master of Redis; all of them. Where REDIS_URL begins with `rediss:` they are asked over TLS, too.',
    ),
    sentinelPassword: hidden(
      optionalText('REDIS_SENTINEL_PASSWORD', 'The password of the Sentinels, where they ask for one.'),
    ),
  },
  archiveDatabaseUrl: optionalUrl(
    'ARCHIVE_DATABASE_URL',
    'The database of archived transfers, with a login like that of DATABASE_URL. Without it transfers are neither moved there nor read from there.',
    POSTGRES_SCHEMES,
  ),
  opsHost: text(
    'OPS_HOST',
    "The address on which health, metrics, the board of queues and the operator's page are served.",
    '127.0.0.1',
  ),
  opsPort: whole(
    'OPS_PORT',
    "The port of health, metrics, the board of queues and the operator's page; 0 takes any free one.",
    {
      fallback: 9464,
      min: 0,
      max: 65_535,
    },
  ),
  logDir: optionalText(
    'LOG_DIR',
    'The folder of app.log, transactions.log and audit.log, another one for each process. Without it no files are written.',
  ),
  logStdout: choice(
    'LOG_STDOUT',
    'Which logs are written to stdout: all of them, only what the program does, or none.',
    LOG_STDOUTS,
    'all',
  ),
  logLevel: choice('LOG_LEVEL', 'The least level of a line in app.log.', LOG_LEVELS, 'info'),
  // The names and meanings are those of OpenTelemetry's specification.
  tracing: {
    endpoint: optionalUrl(
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      'The collector that spans are sent to, over HTTP as protobuf; `/v1/traces` is put behind it. Without it there is no tracing.',
      ['http:', 'https:'],
    ),
    headers: headers('OTEL_EXPORTER_OTLP_HEADERS', 'Headers of each export, such as a key of the collector.'),
    timeoutMs: whole('OTEL_EXPORTER_OTLP_TIMEOUT', 'How long the collector has for one export.', {
      fallback: 10_000,
      min: 1,
      max: 60_000,
      unit: 'ms',
    }),
    ratio: share(
      'OTEL_TRACES_SAMPLER_ARG',
      'The share of calls and jobs whose spans are exported, where neither the edge nor their cause has decided it.',
      0.01,
    ),
    serviceName: optionalText(
      'OTEL_SERVICE_NAME',
      'The name in traces; ppuri-server or ppuri-worker where it is not set.',
    ),
  },
  webhooksToLoopback: flag(
    'WEBHOOKS_TO_LOOPBACK',
    'Whether webhooks may be sent to loopback addresses, over http too. For development: a caller would reach what listens on the machine of a worker.',
    false,
  ),
  ledger: {
    maxBatch: whole('LEDGER_MAX_BATCH', 'The most movements of money that share a transaction.', {
      fallback: 1024,
      min: 1,
      max: 10_000,
    }),
    lanes: whole('LEDGER_LANES', 'The number of batches that run at a time.', {
      fallback: 2,
      min: 1,
      max: 32,
    }),
  },
  statementTimeoutMs: whole(
    'STATEMENT_TIMEOUT_MS',
    'How long a statement may run before Postgres ends it. The upper bound keeps every commit within the time after which statistics count an hour as complete.',
    {
      fallback: STATEMENT_TIMEOUT_MS,
      min: LEAST_STATEMENT_TIMEOUT_MS,
      max: MOST_STATEMENT_TIMEOUT_MS,
      unit: 'ms',
    },
  ),
  // With STOP_DRAIN_MS less than the 10 s after which container runtimes kill.
  stopGraceMs: whole('STOP_GRACE_MS', 'How long calls and jobs under way may take when the program stops.', {
    fallback: 7_000,
    min: 0,
    max: TEN_MINUTES_MS,
    unit: 'ms',
  }),
};

/** The settings that both programs have. */
export type CommonConfig = ValuesOf<typeof COMMON_VARIABLES>;
/** From which level on a line is logged. */
export type LogLevel = CommonConfig['logLevel'];
/** Which logs go to stdout. */
export type LogStdout = CommonConfig['logStdout'];

/** The faults of the address of Redis, as lines for operators. */
export function redisAddressFaults({ url, sentinels = [], sentinelPassword }: RedisAddress): string[] {
  if (sentinels.length === 0)
    return sentinelPassword === undefined ? [] : ['REDIS_SENTINEL_PASSWORD needs REDIS_SENTINELS'];
  const { hostname, port } = new URL(url);
  if (hostname !== '' && port === '') return [];
  return [
    'REDIS_URL must name the group of the Sentinels instead of a host, without a port, such as redis://:PASSWORD@ppuri, where REDIS_SENTINELS is set',
  ];
}
