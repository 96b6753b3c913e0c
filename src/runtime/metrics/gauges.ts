// Gauges of what stands in the database, read whenever the page is.
import { setTimeout as sleep } from 'node:timers/promises';
import { Gauge, type Registry } from 'prom-client';

/** One figure of a state; undefined where there is none. */
export interface StateGauge<State> {
  readonly name: string;
  readonly help: string;
  /** Labels of its only series; none where they are left out. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly read: (state: State) => number | undefined;
}

/** How long the page waits for a reading, in milliseconds: less than Prometheus waits for the page, also where Postgres hangs. */
const WAIT_MS = 500;
/** How old an earlier reading may be that stands in for one that is not there in time, in milliseconds. */
const MAX_AGE_MS = 60_000;

/**
 * Opens gauges that share one reading of their state for each page. Where that is late, the page has the reading before,
 * and where that fails, it has none of them.
 */
export function stateGauges<State>(
  registry: Registry,
  gauges: readonly StateGauge<State>[],
  readState: () => Promise<State>,
): void {
  const readOnce = reader(readState);
  for (const { name, help, labels = {}, read } of gauges) {
    new Gauge({
      name,
      help,
      labelNames: Object.keys(labels),
      registers: [registry],
      async collect() {
        const state = await readOnce();
        const value = state && read(state);
        if (value === undefined) this.remove(labels);
        else this.set(labels, value);
      },
    });
  }
}

function reader<State>(readState: () => Promise<State>): () => Promise<State | undefined> {
  let latest: { readonly state: State; readonly at: number } | undefined;
  let reading: Promise<void> | undefined;
  let page: Promise<State | undefined> | undefined;
  const read = () =>
    readState()
      .then(
        (state) => {
          latest = { state, at: performance.now() };
        },
        () => {
          latest = undefined;
        },
      )
      .finally(() => {
        reading = undefined;
      });
  const collect = async () => {
    reading ??= read();
    await Promise.race([reading, sleep(WAIT_MS, undefined, { ref: false })]);
    return latest && performance.now() - latest.at < MAX_AGE_MS ? latest.state : undefined;
  };
  // All gauges of a page are collected in one turn.
  return () => {
    page ??= collect().finally(() => {
      page = undefined;
    });
    return page;
  };
}
