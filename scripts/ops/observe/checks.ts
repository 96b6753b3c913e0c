// What `npm run observe` checks once life has left its traces.
import { setTimeout as sleep } from 'node:timers/promises';
import { DASHBOARDS } from '../dashboards/index.ts';
import type { OpenSearch } from '../parts/opensearch.ts';
import type { Prometheus } from '../parts/prometheus.ts';
import type { StoredSpan, TraceStore } from '../parts/trace-store.ts';
import type { Seen } from './life.ts';
import { documentsWith, searchPage } from './log-store.ts';
import type { Stack } from './stack.ts';

/** The result of a check; `detail` says in a line what was seen. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** A question of an operator that the detail answers. */
  readonly question?: string;
}

/** What scrapes and shipping take, and more. */
const WITHIN_MS = 30_000;
const POLL_MS = 500;

/** Runs all checks. What takes time to arrive is waited for. */
export async function runChecks(stack: Stack, seen: Seen): Promise<readonly Check[]> {
  const { prometheus, logs, traces } = stack;
  return Promise.all([
    check('calls are answered as expected', async () => lifeDetail(seen)),
    check('all parts run', async () => {
      if (stack.missing.length > 0) throw new Error(stack.missing.join('; '));
      return 'nothing is missing';
    }),
    ...(prometheus ? metricChecks(prometheus, stack, seen) : []),
    ...(logs ? logChecks(logs, seen) : []),
    ...(traces
      ? [
          check(
            'a trace has spans of edge, server, batch and Postgres',
            () => eventually(() => wholeTrace(traces)),
            'Where did the time of this call go?',
          ),
        ]
      : []),
  ]);
}

function metricChecks(prometheus: Prometheus, stack: Stack, seen: Seen): Promise<Check>[] {
  return [
    check('scrape targets are up', () => eventually(() => targetsUp(prometheus))),
    check('rules are loaded', () => eventually(() => rulesLoaded(prometheus))),
    check('alerts arrive', () => eventually(async () => alertsArrived(stack))),
    check(
      'refusals are counted by reason',
      () => eventually(() => refusalsCounted(prometheus, seen)),
      'Why were calls refused?',
    ),
    check('panels have series', () => eventually(() => panelsAnswered(prometheus))),
  ];
}

function logChecks(logs: OpenSearch, { transfers }: Seen): Promise<Check>[] {
  // The latest one now: newer ones are sent during the search.
  const transfer = transfers.at(-1);
  if (!transfer) return [check('a transfer is found', () => Promise.reject(new Error('there was none')))];
  const { requestId, transferId } = transfer;
  return [
    check(
      'a transfer is found by its request id',
      () => eventually(() => transferFound(logs, 'http.request.id', requestId)),
      `What became of the request ${requestId}?`,
    ),
    check('a transfer is found by its id', () =>
      eventually(() => transferFound(logs, 'ppuri.transfer.id', transferId)),
    ),
  ];
}

async function check(name: string, work: () => Promise<string>, question?: string): Promise<Check> {
  const asked = question === undefined ? {} : { question };
  try {
    return { name, ok: true, detail: await work(), ...asked };
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error), ...asked };
  }
}

/** Tries again until it works; throws the last error. */
async function eventually<Value>(work: () => Promise<Value>): Promise<Value> {
  for (const giveUpAt = Date.now() + WITHIN_MS; ; await sleep(POLL_MS)) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
    }
  }
}

function lifeDetail({ calls, refusals, surprises }: Seen): string {
  if (surprises.size > 0) throw new Error([...surprises].join('; '));
  if (calls === 0) throw new Error('no call was answered');
  return `${calls} calls, refused for ${[...refusals.keys()].sort().join(', ')}`;
}

async function targetsUp(prometheus: Prometheus): Promise<string> {
  const { activeTargets } = await prometheus.api<{
    activeTargets: readonly {
      scrapeUrl: string;
      health: string;
      lastError: string;
      labels: { job: string };
    }[];
  }>('/api/v1/targets?state=active');
  const down = activeTargets.filter(({ health }) => health !== 'up');
  if (down.length > 0)
    throw new Error(
      down.map(({ scrapeUrl, health, lastError }) => `${scrapeUrl}: ${lastError || health}`).join('; '),
    );
  if (activeTargets.length === 0) throw new Error('there are none');
  return [...new Set(activeTargets.map(({ labels }) => labels.job))].sort().join(', ');
}

async function rulesLoaded(prometheus: Prometheus): Promise<string> {
  const { groups } = await prometheus.api<{
    groups: readonly {
      rules: readonly { name: string; health: string; lastError?: string; type: string }[];
    }[];
  }>('/api/v1/rules');
  const rules = groups.flatMap((group) => group.rules);
  const bad = rules.filter(({ health }) => health !== 'ok');
  if (bad.length > 0)
    throw new Error(bad.map(({ name, lastError = 'not evaluated' }) => `${name}: ${lastError}`).join('; '));
  const alerts = rules.filter(({ type }) => type === 'alerting');
  if (alerts.length === 0) throw new Error('there are none');
  return `${alerts.length} alerts, ${rules.length - alerts.length} recording rules`;
}

/** Fires always, to show that alerts get through. */
const WATCHDOG = 'PpuriWatchdog';

function alertsArrived({ firing }: Stack): string {
  if (!firing.has(WATCHDOG)) throw new Error(`${WATCHDOG}, which fires always, has not arrived`);
  return [...firing].sort().join(', ');
}

/** The edge answers these by itself; the server's metrics do not know of them. */
const BY_EDGE: readonly string[] = ['ROUTE_NOT_FOUND'];

/** Holds the refusals that callers saw against those that the servers counted. */
async function refusalsCounted(prometheus: Prometheus, { refusals }: Seen): Promise<string> {
  const samples = await prometheus.query('sum by (reason) (ppuri_rpc_errors_total{process="server"}) > 0');
  const counted = samples.map(({ metric }) => metric.reason ?? '');
  const missing = [...refusals.keys()].filter((reason) => ![...counted, ...BY_EDGE].includes(reason));
  if (missing.length > 0) throw new Error(`nothing was counted for ${missing.join(', ')}`);
  const byCount = samples.toSorted((one, other) => other.value - one.value);
  return byCount.map(({ metric, value }) => `${value} × ${metric.reason}`).join(', ');
}

/** What panels may require that a fresh `npm start` does not have. */
const ABSENT: readonly string[] = [
  'a worker with KAFKA_BROKERS',
  'a replica',
  'a run of the job restore-drill',
  'an archive of WAL',
  'TLS between the edge and the servers',
];

/** Asks every expression of every panel that requires nothing of ABSENT. */
async function panelsAnswered(prometheus: Prometheus): Promise<string> {
  const empty: string[] = [];
  let count = 0;
  for (const { name, rows } of DASHBOARDS) {
    for (const { spec } of rows.flatMap(({ panels }) => panels)) {
      if (spec.requires !== undefined && ABSENT.includes(spec.requires)) continue;
      for (const [expression] of spec.queries) {
        count++;
        const series = await prometheus.query(withoutVariables(expression));
        if (series.length === 0) empty.push(`${name}, ${spec.title}: ${expression}`);
      }
    }
  }
  if (empty.length > 0) throw new Error(`no series for ${empty.join('; ')}`);
  return `${count} expressions of ${DASHBOARDS.length} dashboards`;
}

/** Finds the one document of a transfer. */
async function transferFound(logs: OpenSearch, field: string, value: string): Promise<string> {
  const found = await documentsWith(logs, 'ppuri-transactions-*', field, value);
  const [document] = found;
  if (found.length !== 1 || !document) throw new Error(`${found.length} documents have ${field} ${value}`);
  const { 'ppuri.amount': amount, 'ppuri.currency': currency, '@timestamp': at } = document;
  return `${amount} ${currency} at ${at}: ${searchPage(logs, field, value)}`;
}

/** What a whole trace of a transfer has, each with how it is known. */
const LAYERS: readonly (readonly [layer: string, isIts: (span: StoredSpan) => boolean])[] = [
  ['edge', ({ localEndpoint }) => localEndpoint?.serviceName === 'ppuri-edge'],
  ['server', ({ kind, localEndpoint }) => kind === 'SERVER' && localEndpoint?.serviceName === 'ppuri-server'],
  ['batch', ({ name }) => name === 'ledger.batch'],
  ['Postgres', ({ tags }) => tags?.['db.system.name'] === 'postgresql'],
];

/** Finds the newest trace with a span of every layer. */
async function wholeTrace(traces: TraceStore): Promise<string> {
  const found = await traces.newest('ppuri-server', 'ledger.batch');
  const lacking = (spans: readonly StoredSpan[]) =>
    LAYERS.filter(([, isIts]) => !spans.some(isIts)).map(([layer]) => layer);
  const whole = found.find((spans) => lacking(spans).length === 0);
  const [first] = whole ?? [];
  if (!whole || !first) {
    const lacks = found.map((spans) => lacking(spans).join(' and '));
    throw new Error(
      `${found.length} traces with a batch, which lack ${[...new Set(lacks)].join('; ') || 'nothing'}`,
    );
  }
  const times = LAYERS.map(([layer, isIts]) => {
    const sum = whole.filter(isIts).reduce((total, { duration = 0 }) => total + duration, 0);
    return `${layer} ${(sum / 1000).toFixed(1)} ms`;
  });
  return `${times.join(', ')}: ${traces.pageOf(first.traceId)}`;
}

/** The expression as Grafana would send it, with everything chosen. */
function withoutVariables(expression: string): string {
  return expression.replaceAll('$instance', '.*').replaceAll(/\$__(?:rate_interval|interval|range)/g, '1m');
}
