// Metrics of the payouts that run. They stand in the database, so every worker tells the same.
import { Gauge, type Registry } from 'prom-client';

/** How the payouts that run stand. */
export interface PayoutState {
  readonly count: number;
  readonly linesLeft: number;
  readonly oldestSeconds: number;
  readonly stalledSeconds: number;
}

const GAUGES: readonly {
  readonly name: string;
  readonly help: string;
  readonly read: (state: PayoutState) => number;
}[] = [
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
export function payoutMetrics(registry: Registry, look: () => Promise<PayoutState>): void {
  let looking: Promise<PayoutState | undefined> | undefined;
  // All of a page are collected in one turn, and share one look.
  const lookOnce = () => {
    looking ??= look()
      .catch(() => undefined)
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };
  for (const { name, help, read } of GAUGES) {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const state = await lookOnce();
        if (state) this.set(read(state));
        else this.remove();
      },
    });
  }
}
