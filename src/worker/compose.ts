// Wires a worker together: settings in, a process that does jobs out.

import { setTimeout as sleep } from 'node:timers/promises';
import { createCacheWriter, LEASE_MS } from '../cache/index.ts';
import { createCacheEpochs } from '../db/cache-epochs.ts';
import { oldestDueSeconds } from '../db/jobs/outbox.ts';
import { ensurePartitions, monthsWithPartition } from '../db/jobs/upkeep.ts';
import { runningPayouts } from '../db/payouts/running.ts';
import { createPool, LEDGER_SETTINGS, type Pool, type PoolOptions } from '../db/pool.ts';
import type { Execute } from '../domain/batch/command.ts';
import { errorText } from '../domain/error-fields.ts';
import { SPRINKLE_LOOKUP_MS } from '../domain/sprinkle.ts';
import { connectionsFor } from '../ledger/index.ts';
import { createJobObserver } from '../runtime/job-observer.ts';
import { createLogs, type Logs } from '../runtime/logs.ts';
import { createMetrics, type Metrics } from '../runtime/metrics.ts';
import { createOpsServer } from '../runtime/ops-server.ts';
import type { Program } from '../runtime/run.ts';
import { REDIS_TIMEOUT_MS, startWatchedLedger } from '../runtime/watched.ts';
import type { WorkerConfig } from './config.ts';
import type { JobObserver, Jobs } from './job.ts';
import { aggregateStatistics } from './jobs/aggregate-statistics.ts';
import { archiveTransfers } from './jobs/archive-transfers.ts';
import { expireSprinkles } from './jobs/expire-sprinkles.ts';
import { partitionsAhead } from './jobs/partitions-ahead.ts';
import { purgeEndedKeys } from './jobs/purge-keys.ts';
import { purgeUsedNonces } from './jobs/purge-nonces.ts';
import { purgePayoutDraftsJob } from './jobs/purge-payout-drafts.ts';
import { purgeOldMarks } from './jobs/purge-refusal-marks.ts';
import { purgeOldSprinkles } from './jobs/purge-sprinkles.ts';
import { reconcileLedger } from './jobs/reconcile-ledger.ts';
import { refundOneSprinkle } from './jobs/refund-sprinkle.ts';
import { runPayout } from './jobs/run-payout.ts';
import { board } from './queue/board.ts';
import { createJobRunner } from './queue/job-runner.ts';

/** A process that does jobs. */
export interface WorkerProgram extends Program {
  readonly opsPort: number;
}

/** How many months of partitions exist ahead of time; without those of this month and the next no worker begins. */
const MONTHS_AHEAD = 12;
const MONTHS_NEEDED_AHEAD = 1;
/** Comparing a month with its copy reads all of both. */
const ARCHIVE_STATEMENT_MS = 30 * 60_000;
const EPOCH_CONNECTIONS = 2;
/** Connections for all but the ledger. */
const CONNECTIONS = 12;
/** How many commands may wait for the ledger: more than all jobs bring at a time. */
const MAX_WAITING = 100_000;
/** How long a failed job waits before its second try, in milliseconds; each further try waits twice as long. */
const RETRY_MS = 1_000;
const DAY_MS = 24 * 60 * 60_000;

/** What tests set otherwise. */
export interface WorkerProgramOptions {
  /** How long a failed job waits before its second try, in milliseconds; 1 s when left out. */
  readonly retryMs?: number;
}

/** Starts a worker process; it works once this resolves. */
export async function createWorkerProgram(
  config: WorkerConfig,
  { retryMs = RETRY_MS }: WorkerProgramOptions = {},
): Promise<WorkerProgram> {
  const logs = createLogs({ folder: config.logDir, stdout: config.logStdout, level: config.logLevel });
  const metrics = createMetrics([]);
  const open = poolsOf(config, logs);
  const [ledgerPool, pool, epochs] = [
    open(connectionsFor(config.ledger), { settings: LEDGER_SETTINGS }),
    open(CONNECTIONS),
    open(EPOCH_CONNECTIONS),
  ];
  const patient = poolsOf({ ...config, statementTimeoutMs: ARCHIVE_STATEMENT_MS }, logs);
  // `slow` is for the two jobs on the database itself whose statements may take long.
  const [live, slow] = [patient(1), patient(2)];
  const archive = config.archiveDatabaseUrl ? patient(1, { url: config.archiveDatabaseUrl }) : undefined;
  await ensurePartitions(pool, MONTHS_NEEDED_AHEAD);
  const warn = (message: string) => (error: unknown) => logs.app.warn({ reason: errorText(error) }, message);
  const cache = await createCacheWriter({
    url: config.redisUrl,
    timeoutMs: REDIS_TIMEOUT_MS,
    epochs: createCacheEpochs(epochs, LEASE_MS),
    onStateChange: (state) => logs.app.warn({ state }, 'cache: Redis breaker'),
    onConnectionError: warn('cache: Redis cannot be reached'),
    onFault: warn('cache: no lease'),
  });
  const parts = { pool: ledgerPool, cache, unreachable: warn('the ledger cannot be reached') };
  const ledger = startWatchedLedger(
    { ledger: { ...config.ledger, maxWaiting: MAX_WAITING } },
    parts,
    logs,
    metrics,
  );
  tellDatabase(metrics, pool);
  const observer = createJobObserver(logs, metrics.jobs());
  const work = createJobRunner({
    redisUrl: config.redisUrl,
    databaseUrl: config.databaseUrl,
    pool,
    observer,
    retryMs,
    jobs: jobsOf({ config, pool, live, slow, archive, execute: ledger.execute, observer }),
  });
  const ops = await createOpsServer({
    host: config.opsHost,
    port: config.opsPort,
    metrics,
    readiness: async () => {
      const away = (await work.away()).map((dependency) => ({ dependency, reason: 'it cannot be reached' }));
      return away.length === 0 ? { status: 'ready' } : { status: 'not ready', away };
    },
    more: board({
      queues: work.queues,
      opsKey: config.opsKey,
      observe: (event) => logs.app[event.kind === 'change' ? 'info' : 'warn']({ board: event }, 'board'),
    }),
  });
  logs.app.info({ opsPort: ops.port }, 'working');

  const finish = async () => {
    await work.stop();
    await ledger[Symbol.asyncDispose]();
    cache[Symbol.dispose]();
    await Promise.all([
      ops.stop(),
      ledgerPool.end(),
      pool.end(),
      epochs.end(),
      live.end(),
      slow.end(),
      archive?.end(),
    ]);
    return true;
  };
  const stop = async () => {
    // The last tenth is for the logs. Jobs that are cut off are done again, as after a crash; BullMQ itself would wait
    // for them, and for a Redis that is away, as long as it takes.
    const isDone = await Promise.race([finish(), sleep(0.9 * config.stopGraceMs, false, { ref: false })]);
    logs.app.info({ isDone }, 'stopped');
    await logs.close();
    return isDone;
  };
  return { opsPort: ops.port, stop, stopsWithinMs: config.stopGraceMs };
}

/** Opens the metrics of what stands in the database. */
function tellDatabase(metrics: Metrics, pool: Pool): void {
  metrics.payouts(() => runningPayouts(pool));
  metrics.upkeep(async () => ({
    oldestDueSeconds: await oldestDueSeconds(pool),
    partitionMonths: await monthsWithPartition(pool),
  }));
}

/** What each job of the table does. */
function jobsOf(parts: {
  config: WorkerConfig;
  pool: Pool;
  live: Pool;
  /** For jobs whose statements may take long. */
  slow: Pool;
  archive: Pool | undefined;
  execute: Execute;
  observer: JobObserver;
}): Jobs {
  const { config, pool, live, slow, archive, execute, observer } = parts;
  const refunds = { pool, execute, observer };
  return {
    'expire-sprinkles': expireSprinkles(refunds),
    'refund-sprinkle': refundOneSprinkle(refunds),
    'run-payout': runPayout({ pool, execute }),
    'purge-sprinkles': purgeOldSprinkles(pool, SPRINKLE_LOOKUP_MS),
    'purge-refusal-marks': purgeOldMarks(pool),
    'purge-payout-drafts': purgePayoutDraftsJob(pool, afterDays(config.purgeDraftsAfterDays)),
    'purge-nonces': purgeUsedNonces(pool),
    'purge-keys': purgeEndedKeys(pool, afterDays(config.purgeKeysAfterDays)),
    'partitions-ahead': partitionsAhead(pool, MONTHS_AHEAD),
    'reconcile-ledger': reconcileLedger(slow, observer),
    'aggregate-statistics': aggregateStatistics(slow),
    'archive-transfers': archiveTransfers({ live, archive, afterMonths: config.archiveAfterMonths }),
  };
}

/** A number of days in milliseconds; undefined for 0, which keeps things for good. */
function afterDays(days: number): number | undefined {
  return days === 0 ? undefined : days * DAY_MS;
}

/** Opens pools as a process' settings say, on its own database unless told another. */
function poolsOf(config: Pick<WorkerConfig, 'databaseUrl' | 'statementTimeoutMs'>, logs: Logs) {
  return (
    maxConnections: number,
    { url = config.databaseUrl, settings }: Partial<Pick<PoolOptions, 'url' | 'settings'>> = {},
  ) =>
    createPool({
      url,
      settings,
      maxConnections,
      statementTimeoutMs: config.statementTimeoutMs,
      onIdleError: (error) => logs.app.warn({ reason: errorText(error) }, 'lost a connection to Postgres'),
    });
}
