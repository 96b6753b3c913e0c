// The relay: moves rows of the outbox into the queues, at least once, and fills the queues again when Redis lost them.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createOutboxListener,
  forgetOverdue,
  forgetRelayed,
  type OutboxRow,
  relayRows,
} from '../../db/jobs/index.ts';
import type { NodeGuard } from '../../db/node-guard.ts';
import type { Pool } from '../../db/pool.ts';
import { JOB_NAMES } from '../../domain/jobs.ts';
import type { JobObserver } from '../job.ts';
import type { Queues } from './queues.ts';
import { hasSchedules, writeSchedules } from './schedule.ts';

/** What a relay works with. */
export interface RelayTools {
  readonly pool: Pool;
  readonly databaseUrl: string;
  readonly guard: NodeGuard;
  readonly queues: Queues;
  readonly observer: Pick<JobObserver, 'relayed' | 'trouble'>;
  /** A row that is not done this many milliseconds after its time is queued again; a queue that still has it ignores that. */
  readonly overdueMs: number;
}

/** A relay at work. */
export interface Relay extends AsyncDisposable {
  /** Ends after the step that is under way. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How many rows go in one step. */
const BATCH = 500;
/** Interval of ticks without a notification, which also check the schedules, in milliseconds. */
const POLL_EVERY_MS = 1_000;
const CONNECT_PAUSE_MS = 20;

/** Starts a relay. Any number of them may run side by side. */
export function createRelay(tools: RelayTools): Relay {
  const stopping = new AbortController();
  let woken = Promise.withResolvers<void>();
  const wake = () => woken.resolve();
  const { databaseUrl, guard, observer } = tools;
  const onError = (error: Error) => observer.trouble('listening to the outbox', error);
  const listener = createOutboxListener(databaseUrl, wake, onError, guard);
  const run = async () => {
    await connected(tools.queues);
    let isFirst = true;
    while (!stopping.signal.aborted) {
      woken = Promise.withResolvers<void>();
      try {
        await tick(tools, stopping.signal, isFirst);
        isFirst = false;
      } catch (error) {
        tools.observer.trouble('relaying', error);
      }
      const waiting = new AbortController();
      await Promise.race([woken.promise, sleep(POLL_EVERY_MS, undefined, waiting).catch(() => {})]);
      waiting.abort();
    }
  };
  const running = run();
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      wake();
      await running;
      await listener[Symbol.asyncDispose]();
    },
  };
}

/** Waits up to a second for the new connections, and goes on without them. */
async function connected(queues: Queues): Promise<void> {
  for (const end = Date.now() + POLL_EVERY_MS; Date.now() < end; await sleep(CONNECT_PAUSE_MS)) {
    if (
      await hasSchedules(queues).then(
        () => true,
        () => false,
      )
    )
      return;
  }
}

async function tick(tools: RelayTools, stopping: AbortSignal, isFirst: boolean): Promise<void> {
  const { pool, queues, observer, overdueMs } = tools;
  // Redis was emptied, or is new. Schedules are written last: if this is cut off before them, all of it happens again.
  const isEmpty = !(await hasSchedules(queues));
  if (isEmpty) await forgetRelayed(pool);
  // A worker that has just started may find the schedules of an older release.
  if (isEmpty || isFirst) await writeSchedules(queues);
  await forgetOverdue(pool, overdueMs);
  for (let count = BATCH; count === BATCH && !stopping.aborted; ) {
    count = await relayRows(pool, BATCH, (rows) => send(queues, rows));
    if (count > 0) observer.relayed(count);
  }
}

/**
 * The queue accepts a row once, by its `queue_id`, as long as it knows the job, and forgets the job when it ends. If a
 * restored backup has the row again, its work was undone and has to be done again.
 */
async function send(queues: Queues, rows: readonly OutboxRow[]): Promise<void> {
  for (const name of JOB_NAMES) {
    const payloads = rows
      .filter(({ job }) => job === name)
      .map(({ queueId, data, traceparent, delayMs }) => ({
        name,
        data: { data, rowQueueId: queueId, ...(traceparent !== undefined && { traceparent }) },
        opts: { jobId: queueId, delay: delayMs, removeOnComplete: true },
      }));
    if (payloads.length > 0) await queues[name].addBulk(payloads);
  }
}
