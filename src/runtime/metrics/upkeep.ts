// Metrics of what a worker keeps going. They stand in the database, so every worker tells the same.
import type { Registry } from 'prom-client';
import { type StateGauge, stateGauges } from './gauges.ts';

/** How the work that has to be done stands. */
export interface UpkeepState {
  /** For how long the row of the outbox that waits longest has been due, in seconds; 0 where none is. */
  readonly oldestDueSeconds: number;
  /** How many months have a partition, this month the first. */
  readonly partitionMonths: number;
}

const GAUGES: readonly StateGauge<UpkeepState>[] = [
  {
    name: 'ppuri_outbox_oldest_due_seconds',
    help: 'For how long a job whose time has come, and that is not paused, is not done; of several, the longest.',
    read: ({ oldestDueSeconds }) => oldestDueSeconds,
  },
  {
    name: 'ppuri_transfer_partition_months',
    help: 'Months that have a partition for their transfers, this month the first. At 0 no money can move.',
    read: ({ partitionMonths }) => partitionMonths,
  },
];

/** Opens them, told how to read the state. */
export function upkeepMetrics(registry: Registry, readState: () => Promise<UpkeepState>): void {
  stateGauges(registry, GAUGES, readState);
}
