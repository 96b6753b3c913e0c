// Metrics of what a worker keeps going. They stand in the database, so every worker tells the same.
import type { Registry } from 'prom-client';
import { type StateGauge, stateGauges } from './gauges.ts';

/** How the work that has to be done stands. */
export interface UpkeepState {
  /** For how long the row of the outbox that waits longest has been due, in seconds; 0 where none is. */
  readonly oldestDueSeconds: number;
  /** How many months have a partition, this month the first. */
  readonly partitionMonths: number;
  /** Jobs that failed for good and were not sent to the queue again. */
  readonly deadLetters: number;
  /** For how long the sprinkle and the hold that wait longest for their refunds have been over, in seconds; 0 where none waits. */
  readonly refundOverdueSeconds: { readonly sprinkle: number; readonly hold: number };
  /** For how long what waits longest has not been sealed, in seconds; 0 where nothing waits. */
  readonly sealLagSeconds: number;
  /** For how long the sealed transfer that waits longest has been in no signed checkpoint, in seconds; 0 where none waits. */
  readonly checkpointLagSeconds: number;
  /** The last reconciliation of the ledger; undefined before the first. */
  readonly reconciliation: { readonly faults: number; readonly ageSeconds: number } | undefined;
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
  {
    name: 'ppuri_dead_letters',
    help: 'Jobs that failed as often as they are tried, and that nobody has sent to the queue again.',
    read: ({ deadLetters }) => deadLetters,
  },
  {
    name: 'ppuri_refund_overdue_seconds',
    help: 'For how long a sprinkle whose time is over waits for its refund; of several, the longest.',
    read: ({ refundOverdueSeconds }) => refundOverdueSeconds.sprinkle,
  },
  {
    name: 'ppuri_hold_overdue_seconds',
    help: 'For how long a hold or gift whose time is over waits for what is left to go back; of several, the longest.',
    read: ({ refundOverdueSeconds }) => refundOverdueSeconds.hold,
  },
  {
    name: 'ppuri_seal_lag_seconds',
    help: 'For how long a committed transfer or event has not been sealed, so that nobody is told; of several, about the longest.',
    read: ({ sealLagSeconds }) => sealLagSeconds,
  },
  {
    name: 'ppuri_checkpoint_lag_seconds',
    help: 'For how long a sealed transfer has been in no signed checkpoint of the transparency log; of several, the longest.',
    read: ({ checkpointLagSeconds }) => checkpointLagSeconds,
  },
  {
    name: 'ppuri_ledger_faults',
    help: 'What did not agree when the ledger was last held against itself; anything above 0 needs a person.',
    read: ({ reconciliation }) => reconciliation?.faults,
  },
  {
    name: 'ppuri_reconciliation_age_seconds',
    help: 'How long ago the ledger was last held against itself.',
    read: ({ reconciliation }) => reconciliation?.ageSeconds,
  },
];

/** Creates them; `readState` reads the state. */
export function upkeepMetrics(registry: Registry, readState: () => Promise<UpkeepState>): void {
  stateGauges(registry, GAUGES, readState);
}
