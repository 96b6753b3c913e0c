// The queues in Redis, one for each job, as those who put work into them see them.
import { type ConnectionOptions, type JobsOptions, Queue } from 'bullmq';
import { JOB_NAMES, type JobData, type JobName, jobEntry } from '../../domain/jobs.ts';

/** The prefix of all keys of the queues. */
export const PREFIX = 'ppuri';

/** The data of a BullMQ job. */
export interface JobPayload {
  readonly data: JobData;
  /** The `queue_id` of the row of the outbox that it came from; none when a schedule made it. */
  readonly rowQueueId?: string;
}

/** The queue of every job. */
export type Queues = Readonly<Record<JobName, Queue<JobPayload>>>;

const MAX_PAUSE_MS = 1_000;
const COMMAND_TIMEOUT_MS = 5_000;
/** How many finished jobs of a schedule the board shows. */
const KEEP = { count: 100 };

/** How workers connect: their blocking commands wait for Redis without a limit. */
export function blockingConnection(url: string): ConnectionOptions {
  return { url, maxRetriesPerRequest: null, retryStrategy: pauseMs };
}

/** How the relay connects: a command fails at once without Redis, its row stays in the outbox and is relayed again. */
function failFastConnection(url: string): ConnectionOptions {
  return {
    url,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: pauseMs,
  };
}

function pauseMs(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), MAX_PAUSE_MS);
}

/** Opens every job's queue. Redis need not be there yet. */
export function createQueues(url: string, retryMs: number, onError: (error: Error) => void): Queues {
  const queues = JOB_NAMES.map((name) => {
    const queue = new Queue<JobPayload>(name, {
      connection: failFastConnection(url),
      prefix: PREFIX,
      // BullMQ asks these of Redis only once: a failure would break the queue for good.
      skipWaitingForReady: true,
      skipVersionCheck: true,
      defaultJobOptions: optionsOf(name, retryMs),
    });
    queue.on('error', onError);
    return [name, queue] as const;
  });
  return Object.fromEntries(queues) as Record<JobName, Queue<JobPayload>>;
}

/** Retries are exponential with jitter: each delay is twice the one before, and up to half shorter at random, so that jobs that failed together are not retried together. */
function optionsOf(name: JobName, retryMs: number): JobsOptions {
  return {
    attempts: jobEntry(name).attempts,
    backoff: { type: 'exponential', delay: retryMs, jitter: 0.5 },
    removeOnComplete: KEEP,
    // Dead letters are kept in Postgres. If that failed too, the outbox still has the row, and the queue accepts it again
    // only if it no longer knows the job.
    removeOnFail: true,
  };
}

/** Closes them. */
export async function closeQueues(queues: Queues): Promise<void> {
  await Promise.all(Object.values(queues).map((queue) => queue.close()));
}
