// Starts everything that a worker process does: its relay, and a BullMQ worker for each job.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Job as QueuedJob, Worker } from 'bullmq';
import { pausedJobs } from '../../db/jobs/index.ts';
import type { NodeGuard } from '../../db/node-guard.ts';
import type { Pool } from '../../db/pool.ts';
import { askForWrites } from '../../db/probe.ts';
import { JOB_NAMES, type JobName, jobEntry } from '../../domain/jobs.ts';
import { parseTraceparent, type TraceContext } from '../../domain/trace-context.ts';
import type { RedisAddress } from '../../redis/index.ts';
import type { JobObserver, Jobs, JobTracer } from '../job.ts';
import {
  blockingConnection,
  closeQueues,
  createQueues,
  type JobPayload,
  PREFIX,
  type Queues,
} from './queues.ts';
import { createRelay } from './relay.ts';
import { runJob } from './run-job.ts';
import { hasSchedules } from './schedule.ts';

/** What a worker runs on. */
export interface JobsOptions {
  readonly redis: RedisAddress;
  readonly databaseUrl: string;
  readonly guard: NodeGuard;
  readonly pool: Pool;
  readonly jobs: Jobs;
  readonly observer: JobObserver;
  readonly times: JobTimes;
  /** Left out or undefined where no spans are exported. */
  readonly tracer?: JobTracer | undefined;
}

/** How long the queues wait, in milliseconds. */
export interface JobTimes {
  /** How long a failed job waits before its second try; each further try waits twice as long. */
  readonly retryMs: number;
  /** How long a worker that died keeps its jobs before another worker gets them. */
  readonly lockMs: number;
  /** A row of the outbox that is not done this long after its time is queued again; a queue that still has it ignores that. */
  readonly overdueMs: number;
}

/** The times of workers in production; tests have shorter ones. */
export const JOB_TIMES: JobTimes = { retryMs: 1_000, lockMs: 15_000, overdueMs: 30_000 };

/** What runs the jobs of a worker. */
export interface JobRunner extends AsyncDisposable {
  readonly queues: Queues;
  /** The names of what jobs need and cannot be reached. */
  away(): Promise<string[]>;
  /** Takes no more jobs and lets those under way finish; waits for them, and for Redis, without a limit. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How often the list of paused jobs is read, in milliseconds. */
const POLL_PAUSES_MS = 1_000;

/** Creates the queues, their workers and the relay. Redis need not be there yet. */
export function createJobRunner(options: JobsOptions): JobRunner {
  const { redis, databaseUrl, guard, pool, jobs, observer, times } = options;
  const stopping = new AbortController();
  const queues = createQueues(redis, times.retryMs, (error) => observer.trouble('a queue', error));
  const tools = { pool, observer, stopping: stopping.signal };
  const run = (name: JobName, queued: QueuedJob<JobPayload>) => {
    const cause = parseTraceparent(queued.data.traceparent);
    const runIn = (trace: TraceContext | undefined) => runJob(tools, name, jobs[name], queued, trace);
    return options.tracer ? options.tracer.job(name, cause, runIn) : runIn(cause);
  };
  const workers = JOB_NAMES.map((name) => {
    const worker = new Worker<JobPayload>(name, (queued) => run(name, queued), {
      connection: blockingConnection(redis),
      prefix: PREFIX,
      concurrency: jobEntry(name).concurrency,
      lockDuration: times.lockMs,
      stalledInterval: times.lockMs,
      // If its workers die more often, the job is relayed again from the outbox.
      maxStalledCount: 10,
    });
    worker.on('error', (error) => observer.trouble(`the worker of ${name}`, error));
    return worker;
  });
  const relay = createRelay({ pool, databaseUrl, guard, queues, observer, overdueMs: times.overdueMs });
  const watching = watchPauses(pool, queues, observer, stopping.signal);
  const close = async () => {
    stopping.abort();
    await relay[Symbol.asyncDispose]();
    await watching;
    await Promise.all(workers.map((worker) => worker.close()));
    await closeQueues(queues);
  };
  const away = async () => {
    const [postgres, redis] = await Promise.allSettled([askForWrites(pool), hasSchedules(queues)]);
    return [
      ...(postgres.status === 'rejected' ? ['postgres'] : []),
      ...(redis.status === 'rejected' ? ['redis'] : []),
    ];
  };
  return { queues, away, [Symbol.asyncDispose]: close };
}

/** Pauses and resumes the queues as Postgres says, where pauses survive the loss of Redis. */
async function watchPauses(
  pool: Pool,
  queues: Queues,
  observer: JobObserver,
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    await sleep(POLL_PAUSES_MS, undefined, { signal: stopping }).catch(() => {});
    try {
      const paused = await pausedJobs(pool);
      for (const name of JOB_NAMES) {
        const queue = queues[name];
        if (paused.has(name) === (await queue.isPaused())) continue;
        if (paused.has(name)) await queue.pause();
        else await queue.resume();
      }
    } catch (error) {
      observer.trouble('looking for paused jobs', error);
    }
  }
}
