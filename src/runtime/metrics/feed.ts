// Metrics of the feed of events, of every process that reads it.
import { Counter, type Registry } from 'prom-client';

/** Records what is read of the feed. */
export interface FeedRecorder {
  /** So many transfers were read that neither the ledger nor the archive has. */
  missing(count: number): void;
}

/** Makes the recorder of the feed. */
export function feedMetrics(registry: Registry): FeedRecorder {
  const missing = new Counter({
    name: 'ppuri_missing_transfers_total',
    help: 'Times that events were read of a transfer that neither the ledger nor the archive has.',
    registers: [registry],
  });
  return { missing: (count) => missing.inc(count) };
}
