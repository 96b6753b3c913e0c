// Where the time of a lone CreateTransfer goes, step by step, from the spans that the server exports.
import { type ExportedSpan, readSpans } from '../../scripts/ops/parts/trace-store/otlp-spans.ts';
import type { Case, Step } from './case.ts';
import { startCollector, withServer } from './tracing.ts';
import { measureAlone } from './transfers.ts';

const NS_PER_US = 1000;
/** The last calls: the first ones meet code that is not compiled yet. */
const CALLS = 1000;

/** All calls are traced, which costs each of them some tens of microseconds. */
export const STEPS: Case = {
  name: 'Steps of CreateTransfer, one at a time',
  isLong: true,
  run: async (bench) => {
    const spans: ExportedSpan[] = [];
    const collector = await startCollector((body) => spans.push(...readSpans(body)));
    try {
      const traced = await withServer(bench, 'all sampled', collector.url);
      const result = await measureAlone(traced, STEPS.name);
      const steps = mediansOf(spans);
      bench.log(tableOf(steps));
      return [{ ...result, steps }];
    } finally {
      collector.close();
    }
  },
};

/** The medians of all steps, in the order in which they begin. */
function mediansOf(spans: readonly ExportedSpan[]): Step[] {
  const steps = Map.groupBy(callsIn(spans).flatMap(stepsOf), ({ name }) => name);
  return [...steps]
    .map(([name, all]) => ({
      name,
      atUs: median(all.map(({ atUs }) => atUs)),
      us: median(all.map(({ us }) => us)),
    }))
    .sort((a, b) => a.atUs - b.atUs || b.us - a.us);
}

function tableOf(steps: readonly Step[]): string {
  const line = (name: string, at: string, took: string) =>
    `  ${name.padEnd(40)}${at.padStart(10)}${took.padStart(10)}`;
  return [
    'Medians in µs, of which tracing is some tens',
    line('step of a lone CreateTransfer', 'begins at', 'takes'),
    ...steps.map(({ name, atUs, us }) => line(name, atUs.toFixed(0), us.toFixed(0))),
  ].join('\n');
}

/** The spans of each of the last calls, the call's own first. */
function callsIn(spans: readonly ExportedSpan[]): ExportedSpan[][] {
  return [...Map.groupBy(spans, ({ traceId }) => traceId).values()]
    .map((all) => all.sort((a, b) => Number(a.start - b.start) || Number(b.end - a.end)))
    .filter(([first]) => first?.parentSpanId === '' && first.kind === 'server')
    .slice(-CALLS);
}

/** The events of a call are where its interceptors begin; each ends where the next one does. Its other spans are steps, too. */
function stepsOf([call, ...others]: readonly ExportedSpan[]): Step[] {
  if (call === undefined) return [];
  const step = (name: string, from: bigint, to: bigint): Step => ({
    name,
    atUs: Number(from - call.start) / NS_PER_US,
    us: Number(to - from) / NS_PER_US,
  });
  const begins = call.events.map(({ name, at }, index) =>
    step(name, at, call.events[index + 1]?.at ?? call.end),
  );
  return [
    step('the whole call', call.start, call.end),
    ...begins,
    ...others.map(({ name, start, end }) => step(name, start, end)),
  ];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
