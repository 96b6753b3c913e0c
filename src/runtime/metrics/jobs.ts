// Metrics of a worker's jobs: how they went, how late refunds were, and whether the ledger agrees with itself.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Records what jobs do; the names of jobs are ours. It does not throw. */
export interface JobRecorder {
  /** A run ended; `error` is undefined when it went well. */
  ran(job: string, tookMs: number, error: unknown): void;
  /** A job failed in all of its attempts. */
  deadLettered(job: string, error: unknown): void;
  /** This many rows of the outbox went to the queue. */
  relayed(count: number): void;
  /** Sprinkles were refunded; the longest wait after a sprinkle's end, in milliseconds. */
  refunded(count: number, longestLagMs: number): void;
  /** The ledger was reconciled; `faults` is what does not agree. */
  reconciled(transfers: number, faults: readonly object[]): void;
}

const SECONDS = [0.005, 0.05, 0.5, 5, 50, 500];
/** A refund is promised within five seconds. */
const LAGS_S = [0.1, 0.5, 1, 2, 5, 10, 60, 3600];

/** Makes the recorder of jobs. */
export function jobMetrics(registry: Registry): JobRecorder {
  const registers = [registry];
  const runs = new Histogram({
    name: 'ppuri_job_seconds',
    help: 'Runs of jobs, by how they ended.',
    labelNames: ['job', 'outcome'],
    buckets: SECONDS,
    registers,
  });
  const dead = new Counter({
    name: 'ppuri_job_dead_letters_total',
    help: 'Jobs that failed as often as they are tried.',
    labelNames: ['job'],
    registers,
  });
  const relayed = new Counter({
    name: 'ppuri_outbox_relayed_total',
    help: 'Rows of the outbox that went to the queue.',
    registers,
  });
  const refunds = new Counter({
    name: 'ppuri_refunds_total',
    help: 'Sprinkles whose rest was paid back.',
    registers,
  });
  const lag = new Histogram({
    name: 'ppuri_refund_lag_seconds',
    help: 'How long after its end the sprinkle that waited longest in a run was paid back.',
    buckets: LAGS_S,
    registers,
  });
  const faults = new Gauge({
    name: 'ppuri_ledger_faults',
    help: 'What did not agree when the ledger was last held against itself; anything above 0 needs a person.',
    registers,
  });
  return {
    ran: (job, tookMs, error) =>
      runs.observe({ job, outcome: error === undefined ? 'done' : 'failed' }, tookMs / 1000),
    deadLettered: (job) => dead.inc({ job }),
    relayed: (count) => relayed.inc(count),
    refunded: (count, longestLagMs) => {
      refunds.inc(count);
      if (count > 0) lag.observe(longestLagMs / 1000);
    },
    reconciled: (_transfers, found) => faults.set(found.length),
  };
}
