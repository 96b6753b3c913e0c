// The worker's settings: read from the environment once, checked, and typed from then on.

import { LEAST_STATEMENT_TIMEOUT_MS, STATEMENT_TIMEOUT_MS } from '../db/timeouts.ts';
import { EnvReader } from '../runtime/env.ts';
import { ConfigError, LOG_LEVELS, LOG_STDOUTS, type LogLevel, type LogStdout } from '../server/config.ts';

/** How a worker is set up. */
export interface WorkerConfig {
  /** A login with the rights of ppuri_worker. */
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** How long Redis has to answer before the cache is suspended, in milliseconds. */
  readonly redisTimeoutMs: number;
  /** The database that old transfers go to; undefined where they stay. */
  readonly archiveDatabaseUrl: string | undefined;
  /** How many whole months of transfers stay besides the current one. */
  readonly archiveAfterMonths: number;
  readonly opsHost: string;
  readonly opsPort: number;
  /** What opens the board of queues on the ops port; there is no board when undefined. */
  readonly opsKey: string | undefined;
  readonly logDir: string | undefined;
  readonly logStdout: LogStdout;
  readonly logLevel: LogLevel;
  readonly ledger: { readonly maxBatch: number; readonly lanes: number; readonly maxWaiting: number };
  /** Connections for all but the ledger. */
  readonly connections: number;
  readonly statementTimeoutMs: number;
  /** How long a sprinkle's creator can look it up, in milliseconds; then it may go. */
  readonly sprinkleLookupMs: number;
  /** How long drafts of payouts are kept after they were made, in milliseconds; for good when undefined. */
  readonly purgeDraftsAfterMs: number | undefined;
  /** How long API keys are kept after their end, in milliseconds; for good when undefined. */
  readonly purgeKeysAfterMs: number | undefined;
  /** How long a failed job waits before its second try, in milliseconds; each further try waits twice as long. */
  readonly retryMs: number;
  readonly stopGraceMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** Reads the settings. Throws a ConfigError that names everything that is missing or wrong at once. */
export function readWorkerConfig(env: NodeJS.ProcessEnv): WorkerConfig {
  const read = new EnvReader(env);
  const config: WorkerConfig = {
    databaseUrl: read.url('DATABASE_URL', ['postgres:', 'postgresql:']),
    redisUrl: read.url('REDIS_URL', ['redis:', 'rediss:']),
    redisTimeoutMs: read.whole('REDIS_TIMEOUT_MS', 100, 1, 10 * SECOND),
    archiveDatabaseUrl: read.optionalUrl('ARCHIVE_DATABASE_URL', ['postgres:', 'postgresql:']),
    archiveAfterMonths: read.whole('ARCHIVE_AFTER_MONTHS', 12, 1, 1200),
    opsHost: read.text('OPS_HOST', '127.0.0.1'),
    opsPort: read.whole('OPS_PORT', 9465, 0, 65535),
    opsKey: env.OPS_KEY ? read.secret('OPS_KEY') : undefined,
    logDir: env.LOG_DIR || undefined,
    logStdout: read.choice('LOG_STDOUT', 'all', LOG_STDOUTS),
    logLevel: read.choice('LOG_LEVEL', 'info', LOG_LEVELS),
    ledger: {
      maxBatch: read.whole('LEDGER_MAX_BATCH', 1024, 1, 10_000),
      lanes: read.whole('LEDGER_LANES', 2, 1, 32),
      maxWaiting: read.whole('LEDGER_MAX_WAITING', 100_000, 1, 1_000_000),
    },
    connections: read.whole('WORKER_CONNECTIONS', 12, 1, 1000),
    statementTimeoutMs: read.whole(
      'STATEMENT_TIMEOUT_MS',
      STATEMENT_TIMEOUT_MS,
      LEAST_STATEMENT_TIMEOUT_MS,
      10 * MINUTE,
    ),
    sprinkleLookupMs: read.whole('SPRINKLE_LOOKUP_MS', 7 * DAY, 1, 365 * DAY),
    purgeDraftsAfterMs: read.whole('PURGE_PAYOUT_DRAFTS_AFTER_DAYS', 30, 0, 36_500) * DAY || undefined,
    purgeKeysAfterMs: read.whole('PURGE_API_KEYS_AFTER_DAYS', 0, 0, 36_500) * DAY || undefined,
    retryMs: read.whole('JOB_RETRY_MS', SECOND, 1, 10 * MINUTE),
    stopGraceMs: read.whole('STOP_GRACE_MS', 8 * SECOND, 0, 10 * MINUTE),
  };
  if (read.faults.length > 0) throw new ConfigError(read.faults.join('\n'));
  return config;
}
