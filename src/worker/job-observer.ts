// Tells the log and the metrics how jobs go.

import { errorText } from '../domain/error-fields.ts';
import type { JobRecorder, Logs } from '../runtime/index.ts';
import type { JobObserver } from './job.ts';

/** What goes on failing, such as a connection to Redis, is told once in so many milliseconds. */
const TELL_AGAIN_MS = 10_000;

/** An observer of jobs: what happens every second goes to the log only at level debug. */
export function createJobObserver({ app }: Pick<Logs, 'app'>, metrics: JobRecorder): JobObserver {
  const toldAt = new Map<string, number>();
  return {
    ran: (job: string, tookMs: number, error: unknown) => {
      metrics.ran(job, tookMs, error);
      if (error === undefined) app.debug({ job, tookMs }, 'a job ran');
      else app.warn({ job, tookMs, reason: errorText(error) }, 'a job failed');
    },
    deadLettered: (job: string, error: unknown) => {
      metrics.deadLettered(job, error);
      app.error({ job, reason: errorText(error) }, 'a job became a dead letter');
    },
    relayed: (count: number) => {
      metrics.relayed(count);
      app.debug({ count }, 'relayed');
    },
    refunded: (count: number, longestLagMs: number) => {
      metrics.refunded(count, longestLagMs);
      app.info({ count, longestLagMs }, 'sprinkles refunded');
    },
    reconciled: (transfers: number, faults: readonly object[]) => {
      metrics.reconciled(transfers, faults);
      for (const fault of faults) app.error({ fault }, 'the ledger does not agree with itself');
      app.info({ transfers, faults: faults.length }, 'ledger reconciled');
    },
    trouble: (what: string, error: unknown) => {
      const now = performance.now();
      if (now < (toldAt.get(what) ?? Number.NEGATIVE_INFINITY) + TELL_AGAIN_MS) return;
      toldAt.set(what, now);
      app.warn({ what, reason: errorText(error) }, 'trouble with jobs');
    },
  };
}
