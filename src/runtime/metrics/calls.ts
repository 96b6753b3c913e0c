// Metrics of calls: how many, how they ended, and how long they took, for each RPC.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { REASONS } from '../../domain/reasons.ts';
import type { CallObserver } from '../../grpc/index.ts';

/** From a read that is in memory to the 10 s that the edge waits. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Where calls are counted whose path no contract has: anybody may make up any number of paths. */
const OTHER = { service: 'other', method: 'other' };

/** What one method has at hand, so that a call looks up no labels. */
interface MethodSeries {
  readonly service: string;
  readonly method: string;
  readonly byCode: Map<string, Histogram.Internal<'service' | 'method' | 'code'>>;
  inFlight: number;
  /** Undefined before the first message of a stream. */
  messages: Counter.Internal | undefined;
}

/** The calls that are counted by name, each as `/package.Service/Method`, and which of them are streams. */
export interface CountedCalls {
  readonly paths?: Iterable<string>;
  readonly streams?: Iterable<string>;
}

/** Makes the recorder of calls; takes about a microsecond a call. */
export function callMetrics(registry: Registry, { paths = [], streams = [] }: CountedCalls): CallObserver {
  const registers = [registry];
  const durations = new Histogram({
    name: 'ppuri_rpc_duration_seconds',
    help: 'Time from the arrival of a call to its status; its count is the number of calls.',
    labelNames: ['service', 'method', 'code'],
    buckets: SECONDS,
    registers,
  });
  const errors = new Counter({
    name: 'ppuri_rpc_errors_total',
    help: 'Answers that were not OK, by their code and reason (docs/errors.md).',
    labelNames: ['code', 'reason'],
    registers,
  });
  const messages = new Counter({
    name: 'ppuri_stream_messages_total',
    help: 'Messages of streams that were sent, heartbeats included.',
    labelNames: ['service', 'method'],
    registers,
  });
  const byReason = new Map(
    Object.entries(REASONS).map(([reason, { code }]) => [reason, errors.labels(code, reason)]),
  );
  // An alert on a rate sees the first error of a kind only where there was a zero before it.
  for (const series of byReason.values()) series.inc(0);

  const seriesOf = (service: string, method: string): MethodSeries => ({
    service,
    method,
    byCode: new Map(),
    inFlight: 0,
    messages: undefined,
  });
  const known = new Map(
    [...paths].map((path) => {
      const [, service = '', method = ''] = path.split('/');
      return [path, seriesOf(service, method)];
    }),
  );
  // A panel shows a rate from the first message on only where there was a zero before it.
  for (const path of streams) {
    const [, service = '', method = ''] = path.split('/');
    messages.labels(service, method).inc(0);
  }
  const other = seriesOf(OTHER.service, OTHER.method);
  new Gauge({
    name: 'ppuri_rpc_in_flight',
    help: 'Calls that have arrived and have no status yet.',
    labelNames: ['service', 'method'],
    registers,
    collect() {
      for (const { service, method, inFlight } of [...known.values(), other]) {
        this.set({ service, method }, inFlight);
      }
    },
  });

  return {
    began(path) {
      (known.get(path) ?? other).inFlight += 1;
    },
    sent(path) {
      const series = known.get(path) ?? other;
      series.messages ??= messages.labels(series.service, series.method);
      series.messages.inc();
    },
    ended(path, code, seconds, reason) {
      const series = known.get(path) ?? other;
      series.inFlight -= 1;
      let duration = series.byCode.get(code);
      if (!duration) {
        duration = durations.labels(series.service, series.method, code);
        series.byCode.set(code, duration);
      }
      duration.observe(seconds);
      if (reason !== undefined) byReason.get(reason)?.inc();
    },
  };
}
