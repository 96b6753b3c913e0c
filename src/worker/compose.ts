// Composes a worker: settings in, a program that does jobs out.
import { ensurePartitions, monthsWithPartition, oldestDueSeconds } from '../db/jobs/index.ts';
import { runningPayouts } from '../db/payouts/running.ts';
import { createOpsServer, type Program, programOf, type Resources, withResources } from '../runtime/index.ts';
import type { WorkerConfig } from './config.ts';
import { createJobObserver } from './job-observer.ts';
import { createJobs } from './jobs/index.ts';
import { board, createJobRunner, JOB_TIMES, type JobTimes } from './queue/index.ts';

/** A worker that does jobs. */
export interface WorkerProgram extends Program {
  readonly opsPort: number;
}

/** What tests set otherwise. */
export interface WorkerProgramOptions {
  /** How long the queues wait; JOB_TIMES when left out. */
  readonly times?: JobTimes;
  /** What the jobs do; as in production when left out. */
  readonly createJobs?: typeof createJobs;
}

/** A worker needs the partition of the next month too, for what its jobs pay; its own job makes those of later months. */
const MONTHS_NEEDED_AHEAD = 1;
/** Comparing a month with its copy reads all of both. */
const LONG_STATEMENT_MS = 30 * 60_000;
/** Connections for all but the ledger. */
const CONNECTIONS = 12;
/** How many commands may wait for the ledger: more than all jobs bring at a time. */
const MAX_WAITING = 100_000;

/** Creates a worker; it works once this resolves. A start that fails leaves nothing open. */
export function createWorkerProgram(
  config: WorkerConfig,
  options: WorkerProgramOptions = {},
): Promise<WorkerProgram> {
  return withResources(config, [], (resources) => compose(resources, config, options));
}

async function compose(
  resources: Resources,
  config: WorkerConfig,
  { times = JOB_TIMES, createJobs: jobsOf = createJobs }: WorkerProgramOptions,
): Promise<WorkerProgram> {
  const { logs, metrics, warn, use, createPool } = resources;
  const { databaseUrl, redisUrl, opsKey, stopGraceMs } = config;
  const slow = { statementTimeoutMs: LONG_STATEMENT_MS };
  const pools = {
    pool: createPool('jobs', { maxConnections: CONNECTIONS }),
    live: createPool('archiving', { maxConnections: 1, ...slow }),
    archive: resources.createArchivePool({ maxConnections: 1, ...slow }),
    slow: createPool('upkeep', { maxConnections: 2, ...slow }),
  };
  const { pool } = pools;
  await ensurePartitions(pool, MONTHS_NEEDED_AHEAD);
  const { ledger } = resources.createLedger({
    cache: await resources.createCacheWriter(resources.createEpochPool()),
    maxWaiting: MAX_WAITING,
    onUnreachable: warn('the ledger cannot be reached'),
  });
  metrics.payouts(() => runningPayouts(pool));
  metrics.upkeep(async () => ({
    oldestDueSeconds: await oldestDueSeconds(pool),
    partitionMonths: await monthsWithPartition(pool),
  }));
  const observer = createJobObserver(logs, metrics.jobs());
  const jobs = jobsOf(config, { ...pools, execute: ledger.execute, observer });
  const runner = use(createJobRunner({ redisUrl, databaseUrl, pool, observer, times, jobs }));
  const ops = use(
    await createOpsServer({
      host: config.opsHost,
      port: config.opsPort,
      metrics,
      readiness: async () => {
        const away = (await runner.away()).map((dependency) => ({
          dependency,
          reason: 'it cannot be reached',
        }));
        return away.length === 0 ? { status: 'ready' } : { status: 'not ready', away };
      },
      more: board({
        queues: runner.queues,
        opsKey,
        observe: (event) => logs.app[event.kind === 'change' ? 'info' : 'warn']({ board: event }, 'board'),
      }),
    }),
  );
  logs.app.info({ opsPort: ops.port }, 'working');
  // Jobs that are cut off are done again, as after a crash; BullMQ itself would wait for them, and for a Redis that is
  // away, without a limit.
  const stop = () => resources.disposeWithin(stopGraceMs);
  return { ...programOf(stop, stopGraceMs), opsPort: ops.port };
}
