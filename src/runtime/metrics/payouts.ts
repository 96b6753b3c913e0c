// Metrics of the payouts that run. They stand in the database, so every worker tells the same.
import type { Registry } from 'prom-client';
import { type StateGauge, stateGauges } from './gauges.ts';

/** How the payouts that run stand. */
export interface PayoutState {
  readonly count: number;
  readonly linesLeft: number;
  readonly oldestSeconds: number;
  readonly stalledSeconds: number;
}

const GAUGES: readonly StateGauge<PayoutState>[] = [
  {
    name: 'ppuri_payouts_running',
    help: 'Payouts that are started and not over.',
    read: ({ count }) => count,
  },
  {
    name: 'ppuri_payout_lines_left',
    help: 'Lines of running payouts that are neither paid nor failed.',
    read: ({ linesLeft }) => linesLeft,
  },
  {
    name: 'ppuri_payout_oldest_seconds',
    help: 'How long ago the oldest running payout was started.',
    read: ({ oldestSeconds }) => oldestSeconds,
  },
  {
    name: 'ppuri_payout_stalled_seconds',
    help: 'For how long a running payout has paid no line; of several, the longest.',
    read: ({ stalledSeconds }) => stalledSeconds,
  },
];

/** Looks whenever the page is read; where that fails, the page is made without these. */
export function payoutMetrics(registry: Registry, read: () => Promise<PayoutState>): void {
  stateGauges(registry, GAUGES, read);
}
