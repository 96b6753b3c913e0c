// The queues in Redis, one for each job, as those who put work into them see them.
import { type ConnectionOptions, type JobsOptions, Queue } from 'bullmq';
import { JOB_NAMES, type JobData, type JobName, jobEntry } from '../../domain/jobs.ts';

/** What stands before every key of the queues. */
export const PREFIX = 'ppuri';

/** What travels through a queue. */
export interface JobPayload {
  readonly data: JobData;
  /** The `queue_id` of the row of the outbox that it came from; none when a schedule made it. */
  readonly rowQueueId?: string;
}

/** The queue of every job. */
export type Queues = Readonly<Record<JobName, Queue<JobPayload>>>;

const MAX_PAUSE_MS = 1_000;
const COMMAND_TIMEOUT_MS = 5_000;
/** How many finished jobs the board shows of those that schedules made. */
const KEEP = { count: 100 };

/** How workers reach Redis: they wait for it as long as it takes. */
export function blockingConnection(url: string): ConnectionOptions {
  return { url, maxRetriesPerRequest: null, retryStrategy: pauseMs };
}

/** How those who put work in reach Redis: what it does not take now stays where it is, and is brought again. */
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
      // What BullMQ asks of Redis at its start it asks once: an answer that fails there fails the queue for good.
      skipWaitingForReady: true,
      skipVersionCheck: true,
      defaultJobOptions: optionsOf(name, retryMs),
    });
    queue.on('error', onError);
    return [name, queue] as const;
  });
  return Object.fromEntries(queues) as Record<JobName, Queue<JobPayload>>;
}

/** How a job is tried again: after so long, then twice as long and so on, each up to half shorter by chance, so that those that failed together do not come back together. */
function optionsOf(name: JobName, retryMs: number): JobsOptions {
  return {
    attempts: jobEntry(name).attempts,
    backoff: { type: 'exponential', delay: retryMs, jitter: 0.5 },
    removeOnComplete: KEEP,
    // Dead letters are kept in Postgres. Where not even that worked, the outbox has the row still, and the queue takes it
    // again only if it knows nothing of it any more.
    removeOnFail: true,
  };
}

/** Closes them. */
export async function closeQueues(queues: Queues): Promise<void> {
  await Promise.all(Object.values(queues).map((queue) => queue.close()));
}
