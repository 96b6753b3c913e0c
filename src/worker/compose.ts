// Composes a worker: settings in, a program that does jobs out.
import { recoveryState } from '../db/jobs/index.ts';
import { runningPayouts } from '../db/payouts/index.ts';
import {
  createOpsServer,
  type Program,
  prepareDatabases,
  type Resources,
  withResources,
} from '../runtime/index.ts';
import type { WorkerConfig } from './config.ts';
import {
  ARCHIVING_CONNECTIONS,
  JOB_CONNECTIONS,
  SEALING_CONNECTIONS,
  UPKEEP_CONNECTIONS,
} from './connections.ts';
import { createSealer } from './feed/index.ts';
import { createJobObserver } from './job-observer.ts';
import { createJobs } from './jobs/index.ts';
import { createLogKeeper } from './log/index.ts';
import { board, createJobRunner, JOB_TIMES, type JobTimes } from './queue/index.ts';
import { createRecoveryRunner, RECOVERY_TIMES, type RecoveryTimes } from './recovery/index.ts';
import { startSenders } from './senders.ts';
import { readUpkeep } from './upkeep.ts';

/** A worker that does jobs. */
export interface WorkerProgram extends Program {
  readonly opsPort: number;
}

/** What tests set otherwise. */
export interface WorkerProgramOptions {
  /** How long the queues wait; JOB_TIMES when left out. */
  readonly times?: JobTimes;
  /** How long runs of backups and drills wait; RECOVERY_TIMES when left out. */
  readonly recoveryTimes?: RecoveryTimes;
  /** What the jobs do; as in production when left out. */
  readonly createJobs?: typeof createJobs;
}

/** Comparing a month with its copy reads all of both. */
const LONG_STATEMENT_MS = 30 * 60_000;
const AWAY = 'it cannot be reached';
/** How many commands may wait for the ledger: more than all jobs bring at a time. */
const MAX_WAITING = 100_000;

/** Creates a worker; it works once this resolves. A start that fails leaves nothing open. */
export function createWorkerProgram(
  config: WorkerConfig,
  options: WorkerProgramOptions = {},
): Promise<WorkerProgram> {
  const about = { serviceName: 'ppuri-worker' };
  return withResources(config, about, (resources) => compose(resources, config, options));
}

async function compose(
  resources: Resources,
  config: WorkerConfig,
  {
    times = JOB_TIMES,
    recoveryTimes = RECOVERY_TIMES,
    createJobs: jobsOf = createJobs,
  }: WorkerProgramOptions,
): Promise<WorkerProgram> {
  const { logs, metrics, warn, use, createPool } = resources;
  const { databaseUrl, redis, opsKey, stopGraceMs } = config;
  const slow = { statementTimeoutMs: LONG_STATEMENT_MS };
  const pools = {
    pool: createPool('jobs', { maxConnections: JOB_CONNECTIONS }),
    live: createPool('archiving', { maxConnections: ARCHIVING_CONNECTIONS, ...slow }),
    archive: resources.createArchivePool({ maxConnections: ARCHIVING_CONNECTIONS, ...slow }),
    slow: createPool('upkeep', { maxConnections: UPKEEP_CONNECTIONS, ...slow }),
  };
  const { pool } = pools;
  await prepareDatabases(resources, { ledger: pool, archive: pools.archive });
  const { ledger } = resources.createLedger({
    cache: await resources.createCacheWriter(resources.createEpochPool()),
    maxWaiting: MAX_WAITING,
    onUnreachable: warn('the ledger cannot be reached'),
  });
  metrics.payouts(() => runningPayouts(pool));
  metrics.upkeep(() => readUpkeep(pool));
  metrics.recovery(() => recoveryState(pool));
  const observer = createJobObserver(logs, metrics.jobs());
  const jobs = jobsOf(config, { ...pools, execute: ledger.execute, observer });
  const runner = use(
    createJobRunner({
      ...{ redis, databaseUrl, guard: resources.nodeGuard(databaseUrl), pool },
      ...{ observer, times, jobs, tracer: resources.tracing?.jobs },
    }),
  );
  const sealing = createPool('sealing', { maxConnections: SEALING_CONNECTIONS, ...slow });
  use(createSealer({ pool: sealing, observer }));
  use(createLogKeeper(config, { pool, archive: pools.archive, observer }));
  use(createRecoveryRunner(config, { pool, observer, times: recoveryTimes }));
  await startSenders(config, resources, pools.archive);
  const ops = use(
    await createOpsServer({
      host: config.opsHost,
      port: config.opsPort,
      metrics,
      readiness: async () => {
        const away = (await runner.away()).map((dependency) => ({ dependency, reason: AWAY }));
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
  return { stop: () => resources.disposeWithin(stopGraceMs), stopsWithinMs: stopGraceMs, opsPort: ops.port };
}
