// Starts what can be had of the operators' tools beside a running ppuri, and says what cannot.
import { SetupError } from '../../cli/program.ts';
import { HOST, isFree } from '../../dev/ports.ts';
import { type NotifiedAlert, startAlertReceiver } from '../parts/alert-receiver.ts';
import { startAlertmanager } from '../parts/alertmanager.ts';
import {
  EXPORTERS,
  startNodeExporter,
  startPostgresExporter,
  startRedisExporter,
} from '../parts/exporters.ts';
import { startLogProbe } from '../parts/log-probe.ts';
import { type OpenSearch, startOpenSearch } from '../parts/opensearch.ts';
import { startPanels } from '../parts/panels.ts';
import type { Part, PartOptions } from '../parts/part.ts';
import { type Prometheus, startPrometheus, type TargetGroup } from '../parts/prometheus.ts';
import { startRsyslog } from '../parts/rsyslog.ts';
import { startTraceStore, type TraceStore } from '../parts/trace-store.ts';
import { loadTemplates } from './log-store.ts';
import { createMonitorRole } from './monitor-role.ts';
import type { Product } from './product.ts';

type Log = (line: string) => void;

/** The tools that run; one that could not be started is undefined. */
export interface Stack {
  readonly prometheus: Prometheus | undefined;
  readonly traces: TraceStore | undefined;
  readonly logs: OpenSearch | undefined;
  /** Names of the alerts that Alertmanager has told of and that are not resolved. */
  readonly firing: ReadonlySet<string>;
  /** What cannot be had or does not start, each with the reason in one line. */
  readonly missing: readonly string[];
  /** Where a person can look, by name. */
  readonly urls: Readonly<Record<string, string>>;
  /** Resolves when a tool has ended by itself, with its name and how. */
  readonly failed: Promise<string>;
}

/** A minute is too short for the 15 s of production. */
const INTERVAL_SECONDS = 3;

const EXPORTER_PACKAGES = Object.values(EXPORTERS);

/** The Debian packages of the tools, and the programs in them. */
export const DEBIAN = [
  ['prometheus', 'prometheus-alertmanager', ...EXPORTER_PACKAGES, 'rsyslog', 'rsyslog-elasticsearch'],
  ['promtool', 'amtool', ...EXPORTER_PACKAGES, 'rsyslogd'],
] as const;

/**
 * Starts the tools, or those of metrics only; `owner` stops them, also while others start. All their data is in `folder`.
 */
export async function startStack(
  owner: AsyncDisposableStack,
  product: Product,
  folder: string,
  log: Log,
  tools: 'all' | 'metrics' = 'all',
): Promise<Stack> {
  const missing: string[] = [];
  const failures: Promise<string>[] = [];
  /** Keeps what starts, and notes what cannot be had. */
  const attempt: Attempt = async (starting) => {
    try {
      const part = owner.use(await starting);
      failures.push(part.ended.then((how) => `${part.name} has ended: ${how}`));
      return part;
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      missing.push(error.message);
      return undefined;
    }
  };
  const options = { folder, log };
  const firing = new Set<string>();
  const { url: webhookUrl } = owner.use(await startAlertReceiver((alert) => noteAlert(firing, alert, log)));
  const [alertmanager, targets, traces, logs] = await Promise.all([
    attempt(startAlertmanager({ ...options, webhookUrl })),
    startTargets(product, options, attempt),
    tools === 'all' ? attempt(startTraces(product, options)) : undefined,
    tools === 'all' ? startLogs(product, options, attempt) : undefined,
  ]);
  const prometheus = await attempt(
    startPrometheus({
      ...options,
      targets: { ...targets, alertmanager: targetOf(alertmanager?.url) },
      intervalSeconds: INTERVAL_SECONDS,
    }),
  );
  const panels =
    prometheus &&
    owner.use(await startPanels({ prometheusUrl: prometheus.url, scrapeSeconds: INTERVAL_SECONDS }));
  return {
    prometheus,
    traces,
    logs,
    firing,
    missing,
    urls: {
      ...(product.info.restUrl && { rest: product.info.restUrl }),
      ...(panels && { dashboards: panels.url }),
      ...(prometheus && { prometheus: prometheus.url }),
      ...(alertmanager && { alertmanager: alertmanager.url }),
      ...(traces && { traces: traces.url }),
      ...(logs && { logs: `${logs.url}/ppuri-*/_search` }),
    },
    failed: Promise.race(failures),
  };
}

type Attempt = <Started extends Part>(starting: Promise<Started>) => Promise<Started | undefined>;

/** Starts the exporters; returns what Prometheus scrapes. */
async function startTargets({ info, dataDir }: Product, options: PartOptions, attempt: Attempt) {
  const [node, redis, postgres] = await Promise.all([
    attempt(startNodeExporter(options)),
    attempt(startRedisExporter({ ...options, redisUrl: info.redisUrl })),
    createMonitorRole(dataDir, info.databaseUrl).then((databaseUrl) =>
      attempt(startPostgresExporter({ ...options, databaseUrl })),
    ),
  ]);
  return {
    ppuri: [
      ...targetOf(info.opsUrl, { process: 'server' }),
      ...targetOf(info.adminOpsUrl, { process: 'admin' }),
      ...targetOf(info.workerOpsUrl, { process: 'worker' }),
    ],
    envoy: targetOf(info.envoyAdminUrl),
    node: targetOf(node?.url),
    redis: targetOf(redis?.url),
    postgres: targetOf(postgres?.url),
  };
}

/** Starts the store of traces at the address that ppuri exports them to. */
async function startTraces({ info }: Product, options: PartOptions): Promise<TraceStore> {
  const { otlpEndpoint } = info;
  if (otlpEndpoint === undefined)
    throw new SetupError('no traces: npm start was given an empty OTEL_EXPORTER_OTLP_ENDPOINT');
  const { hostname, port } = new URL(otlpEndpoint);
  const otlpPort = Number(port || 80);
  if (hostname !== HOST || !(await isFree(otlpPort)))
    throw new SetupError(`traces go to ${otlpEndpoint}, where something else takes them`);
  return startTraceStore({ ...options, otlpPort });
}

/** Starts the log store, and what ships the logs of every process into it. */
async function startLogs({ info }: Product, options: PartOptions, attempt: Attempt) {
  const store = await attempt(startOpenSearch(options));
  if (store) {
    const shipping = { ...options, logs: info.logDir, store: store.url };
    await attempt(loadTemplates(store).then(() => startRsyslog(shipping)));
    await attempt(startLogProbe({ ...shipping, everySeconds: INTERVAL_SECONDS }));
  }
  return store;
}

function targetOf(
  url: string | undefined,
  labels?: Readonly<Record<string, string>>,
): readonly TargetGroup[] {
  return url === undefined ? [] : [{ targets: [new URL(url).host], ...(labels && { labels }) }];
}

function noteAlert(firing: Set<string>, { status, labels, annotations }: NotifiedAlert, log: Log): void {
  const { alertname = '' } = labels;
  const isNews = firing.has(alertname) !== (status === 'firing');
  if (status === 'firing') firing.add(alertname);
  else firing.delete(alertname);
  if (isNews) log(`Alert ${alertname} is ${status}: ${annotations.summary ?? ''}`);
}
