// The queues in Redis, one for each job, as those who put work into them see them.
import { type ConnectionOptions, type JobsOptions, Queue } from 'bullmq';
import { JOB_NAMES, type JobData, type JobName, jobEntry } from '../../domain/jobs.ts';
import { masterOptions, type RedisAddress } from '../../redis/index.ts';

/** The prefix of all keys of the queues. */
export const PREFIX = 'ppuri';

/** The data of a BullMQ job. */
export interface JobPayload {
  readonly data: JobData;
  /** The `queue_id` of the row of the outbox that it came from; none when a schedule made it. */
  readonly rowQueueId?: string;
  /** The trace of the call that asked for it, as a W3C traceparent. */
  readonly traceparent?: string;
}

/** The queue of every job. */
export type Queues = Readonly<Record<JobName, Queue<JobPayload>>>;

const COMMAND_TIMEOUT_MS = 5_000;
/**
 * A connection on which a command has had no answer for this long, in milliseconds, is replaced by a new one. Longer than the
 * 10 s for which BullMQ at most lets Redis wait for a job.
 */
const SOCKET_TIMEOUT_MS = 12_000;
/** How many finished jobs of a schedule the board shows. */
const KEEP = { count: 100 };

/** How workers connect: their blocking commands wait for Redis without a limit. */
export function blockingConnection(address: RedisAddress): ConnectionOptions {
  return { ...connectionTo(address), maxRetriesPerRequest: null, socketTimeout: SOCKET_TIMEOUT_MS };
}

/** How the relay connects: a command fails at once without Redis, its row stays in the outbox and is relayed again. */
function failFastConnection(address: RedisAddress): ConnectionOptions {
  return {
    ...connectionTo(address),
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: COMMAND_TIMEOUT_MS,
  };
}

/** Each job has three connections, too many to ask the Sentinels for each of them: one that hangs is given up by its timeout. */
function connectionTo(address: RedisAddress) {
  return { url: address.url, ...masterOptions(address) };
}

/** Opens every job's queue. Redis need not be there yet. */
export function createQueues(
  address: RedisAddress,
  retryMs: number,
  onError: (error: Error) => void,
): Queues {
  const queues = JOB_NAMES.map((name) => {
    const queue = new Queue<JobPayload>(name, {
      connection: failFastConnection(address),
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
