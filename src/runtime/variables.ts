// The variables that both programs read.
import {
  LEAST_STATEMENT_TIMEOUT_MS,
  MOST_STATEMENT_TIMEOUT_MS,
  STATEMENT_TIMEOUT_MS,
} from '../db/timeouts.ts';
import type { ValuesOf } from './env.ts';
import { choice, optionalText, optionalUrl, text, url, whole } from './variable-kinds.ts';

/** The schemes of a URL of Postgres. */
export const POSTGRES_SCHEMES = ['postgres:', 'postgresql:'];
const REDIS_SCHEMES = ['redis:', 'rediss:'];
const TEN_MINUTES_MS = 10 * 60_000;

/** Which logs go to stdout; `app` leaves out transactions and audit. */
const LOG_STDOUTS = ['all', 'app', 'none'] as const;
/** From which level on a line is logged, least important first. */
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What both programs are told. */
export const COMMON_VARIABLES = {
  databaseUrl: url(
    'DATABASE_URL',
    'The database, with a login that has the rights of ppuri_app for a server and of ppuri_worker for a worker.',
    POSTGRES_SCHEMES,
  ),
  redisUrl: url('REDIS_URL', 'Redis; `rediss:` is Redis over TLS.', REDIS_SCHEMES),
  archiveDatabaseUrl: optionalUrl(
    'ARCHIVE_DATABASE_URL',
    'The database of archived transfers. Without it none are moved there, and none are read from there.',
    POSTGRES_SCHEMES,
  ),
  opsHost: text(
    'OPS_HOST',
    'The address on which health, metrics and the board of queues are served.',
    '127.0.0.1',
  ),
  opsPort: whole('OPS_PORT', 'The port of health, metrics and the board of queues; 0 takes any free one.', {
    fallback: 9464,
    min: 0,
    max: 65_535,
  }),
  logDir: optionalText(
    'LOG_DIR',
    'The folder of app.log, transactions.log and audit.log. Without it no files are written.',
  ),
  logStdout: choice(
    'LOG_STDOUT',
    'Which logs are written to stdout: all of them, only what the program does, or none.',
    LOG_STDOUTS,
    'all',
  ),
  logLevel: choice('LOG_LEVEL', 'The least level of a line in app.log.', LOG_LEVELS, 'info'),
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
