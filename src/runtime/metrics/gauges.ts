// Gauges of what stands in the database, read whenever the page is.
import { Gauge, type Registry } from 'prom-client';

/** One figure of a state. */
export interface StateGauge<State> {
  readonly name: string;
  readonly help: string;
  readonly read: (state: State) => number;
}

/** Opens gauges that share one reading of their state for each page; where that fails, the page is made without them. */
export function stateGauges<State>(
  registry: Registry,
  gauges: readonly StateGauge<State>[],
  readState: () => Promise<State>,
): void {
  let reading: Promise<State | undefined> | undefined;
  // All of a page are collected in one turn.
  const readOnce = () => {
    reading ??= readState()
      .catch(() => undefined)
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };
  for (const { name, help, read } of gauges) {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const state = await readOnce();
        if (state) this.set(read(state));
        else this.remove();
      },
    });
  }
}
