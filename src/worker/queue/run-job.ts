// Runs one job of a queue: records how it went, and ensures that its row of the outbox ends in exactly one place.

import type { Job as QueuedJob } from 'bullmq';
import { finishRow, hasRow, insertDeadLetter, recordRun } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import { errorText, tellableError } from '../../domain/error-fields.ts';
import { type JobName, jobEntry } from '../../domain/jobs.ts';
import type { TraceContext } from '../../domain/trace-context.ts';
import type { Job, JobObserver } from '../job.ts';
import type { JobPayload } from './queues.ts';

/** What running a job takes. */
export interface RunTools {
  readonly pool: Pool;
  readonly observer: JobObserver;
  readonly stopping: AbortSignal;
}

/**
 * Runs a job. Its row leaves the outbox only after its effect is on disk, or together with becoming a dead letter; a crash
 * before that runs it again.
 */
export async function runJob(
  tools: RunTools,
  name: JobName,
  job: Job,
  queued: QueuedJob<JobPayload>,
  trace: TraceContext | undefined,
): Promise<object> {
  const { pool, observer } = tools;
  const { data, rowQueueId } = queued.data;
  const startedAt = performance.now();
  const tookMs = () => Math.round(performance.now() - startedAt);
  try {
    // Relayed twice, and already done.
    if (rowQueueId !== undefined && !(await hasRow(pool, rowQueueId))) return { doneBefore: true };
    const result = await job.run(data, tools.stopping, trace);
    if (rowQueueId !== undefined) await finishRow(pool, rowQueueId);
    await recordRun(pool, { job: name, tookMs: tookMs(), result, error: undefined });
    observer.ran(name, tookMs(), undefined, trace);
    return result;
  } catch (error) {
    observer.ran(name, tookMs(), error, trace);
    const words = errorText(error);
    await recordRun(pool, { job: name, tookMs: tookMs(), result: undefined, error: words });
    const { attempts } = jobEntry(name);
    if (queued.attemptsMade + 1 >= attempts) await giveUp();
    // BullMQ keeps the message and the stack of what is thrown here in Redis.
    throw tellableError(error);

    async function giveUp() {
      if (attempts === 1) {
        if (rowQueueId !== undefined) await finishRow(pool, rowQueueId);
        return;
      }
      await insertDeadLetter(pool, {
        job: name,
        queueId: queued.id ?? '',
        data,
        error: words,
        attempts,
        rowQueueId,
      });
      observer.deadLettered(name, error, trace);
    }
  }
}
