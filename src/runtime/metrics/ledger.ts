// Metrics of the ledger: how large batches are, how long calls wait for one, and how long it and its commit take.
import { Counter, Histogram, type Registry } from 'prom-client';
import type { BatchObserver } from '../../ledger/index.ts';

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Creates the metrics of the ledger. */
export function ledgerMetrics(registry: Registry): BatchObserver {
  const registers = [registry];
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, buckets, registers });
  const sizes = histogram('ppuri_ledger_batch_size', 'Calls that shared a transaction.', SIZES);
  const waits = histogram(
    'ppuri_ledger_wait_seconds',
    'Time that a call waited in the queue before a batch took it.',
    SECONDS,
  );
  const batches = histogram(
    'ppuri_ledger_batch_seconds',
    'Time of a batch from its first statement to its last answer, with all its attempts.',
    SECONDS,
  );
  const commits = histogram('ppuri_ledger_commit_seconds', 'Time of the COMMIT of a batch.', SECONDS);
  const conflicts = new Counter({
    name: 'ppuri_ledger_conflicts_total',
    help: 'Times that a batch met another one, and was run again or given up.',
    labelNames: ['outcome'],
    registers,
  });
  const retried = conflicts.labels('retried');
  const givenUp = conflicts.labels('given_up');
  for (const series of [retried, givenUp]) series.inc(0);
  return {
    waited: (seconds) => waits.observe(seconds),
    batched: (size, seconds) => {
      sizes.observe(size);
      batches.observe(seconds);
    },
    committed: (seconds) => commits.observe(seconds),
    conflicted: (isGivenUp) => (isGivenUp ? givenUp : retried).inc(),
  };
}
