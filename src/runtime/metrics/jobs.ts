// Metrics of a worker's jobs: how they went, and how late refunds were.
import { Counter, Histogram, type Registry } from 'prom-client';
import { JOB_NAMES } from '../../domain/jobs.ts';

/** Records what jobs do; the names of jobs are ours. It does not throw. */
export interface JobRecorder {
  /** A run ended; `error` is undefined when it went well. */
  ran(job: string, tookMs: number, error: unknown): void;
  /** A job failed in all of its attempts. */
  deadLettered(job: string, error: unknown): void;
  /** This many rows of the outbox went to the queue. */
  relayed(count: number): void;
  /** Sprinkles or holds were paid back; the longest wait after the end of one, in milliseconds. */
  refunded(kind: 'sprinkle' | 'hold', count: number, longestLagMs: number): void;
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
    // Not `job`: Prometheus gives every series a label of that name.
    labelNames: ['job_name', 'outcome'],
    buckets: SECONDS,
    registers,
  });
  const dead = new Counter({
    name: 'ppuri_job_dead_letters_total',
    help: 'Jobs that failed as often as they are tried.',
    labelNames: ['job_name'],
    registers,
  });
  for (const job of JOB_NAMES) dead.labels(job).inc(0);
  const relayed = new Counter({
    name: 'ppuri_outbox_relayed_total',
    help: 'Rows of the outbox that went to the queue.',
    registers,
  });
  const refunds = new Counter({
    name: 'ppuri_refunds_total',
    help: 'Sprinkles and holds (gifts among them) whose rest was paid back when their time was over.',
    labelNames: ['kind'],
    registers,
  });
  const lag = new Histogram({
    name: 'ppuri_refund_lag_seconds',
    help: 'How long after its end the sprinkle or hold that waited longest in a run was paid back.',
    labelNames: ['kind'],
    buckets: LAGS_S,
    registers,
  });
  for (const kind of ['sprinkle', 'hold']) {
    refunds.inc({ kind }, 0);
    lag.zero({ kind });
  }
  return {
    ran: (job, tookMs, error) =>
      runs.observe({ job_name: job, outcome: error === undefined ? 'done' : 'failed' }, tookMs / 1000),
    deadLettered: (job) => dead.inc({ job_name: job }),
    relayed: (count) => relayed.inc(count),
    refunded: (kind, count, longestLagMs) => {
      refunds.inc({ kind }, count);
      if (count > 0) lag.observe({ kind }, longestLagMs / 1000);
    },
  };
}
