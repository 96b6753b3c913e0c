// Logs and records how jobs go.

import { errorText } from '../domain/error-fields.ts';
import type { RunKind } from '../domain/recovery.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import type { JobRecorder, Logs } from '../runtime/index.ts';
import type { JobObserver } from './job.ts';

/** A failure that goes on, such as a lost connection to Redis, is logged once in this many milliseconds. */
const TELL_AGAIN_MS = 10_000;

/** Creates the observer of jobs. What happens every second is logged at level debug only. */
export function createJobObserver({ app }: Pick<Logs, 'app'>, metrics: JobRecorder): JobObserver {
  const toldAt = new Map<string, number>();
  return {
    ran: (job: string, tookMs: number, error: unknown, trace?: TraceContext) => {
      metrics.ran(job, tookMs, error);
      if (error === undefined) app.debug({ job, tookMs, trace }, 'a job ran');
      else app.warn({ job, tookMs, trace, reason: errorText(error) }, 'a job failed');
    },
    deadLettered: (job: string, error: unknown, trace?: TraceContext) => {
      metrics.deadLettered(job, error);
      app.error({ job, trace, reason: errorText(error) }, 'a job became a dead letter');
    },
    relayed: (count: number) => {
      metrics.relayed(count);
      app.debug({ count }, 'relayed');
    },
    refunded: (kind: 'sprinkle' | 'hold', count: number, longestLagMs: number) => {
      metrics.refunded(kind, count, longestLagMs);
      app.info({ count, longestLagMs }, `${kind}s refunded`);
    },
    reconciled: (transfers: number, faults: readonly object[]) => {
      for (const fault of faults) app.error({ fault }, 'the ledger does not agree with itself');
      app.info({ transfers, faults: faults.length }, 'ledger reconciled');
    },
    recoveryRan: (kind: RunKind, runId: string, tookMs: number, error: string) => {
      if (error === '') app.info({ job: kind, what: runId, tookMs }, 'a run of recovery succeeded');
      else app.error({ job: kind, what: runId, tookMs, reason: error }, 'a run of recovery failed');
    },
    trouble: (what: string, error: unknown) => {
      const now = performance.now();
      if (now < (toldAt.get(what) ?? Number.NEGATIVE_INFINITY) + TELL_AGAIN_MS) return;
      toldAt.set(what, now);
      app.warn({ what, reason: errorText(error) }, 'trouble with jobs');
    },
  };
}
