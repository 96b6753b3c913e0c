// Runs Prometheus with the configuration and the rules of deploy/observability/prometheus, and asks it.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../../cli/program.ts';
import { findFree, HOST } from '../../dev/ports.ts';
import { runCommand } from '../../dev/processes.ts';
import { debianPackages, type FoundPrograms } from '../install.ts';
import { type Part, type PartOptions, required, startPart } from './part.ts';

/** What Prometheus reads in a file of targets: addresses as `host:port` that share labels. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** How to run Prometheus. */
export interface PrometheusOptions extends PartOptions {
  /**
   * Written as targets/NAME.yml, the files that prometheus.yml names; a file that is left out is empty, and
   * targets/prometheus.yml is this Prometheus itself.
   */
  readonly targets: Readonly<Record<string, readonly TargetGroup[]>>;
  /** How often it scrapes and evaluates, in seconds; as deployed by default. */
  readonly intervalSeconds?: number;
  /** A folder like deploy/observability/prometheus, which is the default. */
  readonly configFolder?: string;
}

/** A series of an answer: its labels and its value now. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A running Prometheus. */
export interface Prometheus extends Part {
  /** The series of an expression now. Throws with Prometheus' words when it does not understand the expression. */
  query(expression: string): Promise<readonly Sample[]>;
  /** The `data` of a GET of its API: `/api/v1/rules`. */
  api<Data>(path: string): Promise<Data>;
}

/** The folder that a user deploys. */
export const PROMETHEUS_CONFIG = fileURLToPath(
  new URL('../../../deploy/observability/prometheus', import.meta.url),
);

/** Finds or installs prometheus and promtool, in this order. */
export function findPrometheus(log?: (line: string) => void): Promise<FoundPrograms> {
  return debianPackages(['prometheus'], ['prometheus', 'promtool'], log);
}

/** Starts Prometheus. Throws a SetupError when it cannot be had or refuses the configuration. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const [command = '', promtool = ''] = required('Prometheus', await findPrometheus(options.log)).paths;
  const [free = 0] = await findFree(1);
  const folder = join(options.folder, 'prometheus');
  const address = `${HOST}:${options.port ?? free}`;
  const config = writeConfig(folder, options, address);
  const check = await runCommand(promtool, ['check', 'config', config]);
  if (!check.ok) throw new SetupError(`Prometheus refuses its configuration:\n${check.output}`);
  const url = `http://${address}`;
  const part = await startPart({
    name: 'Prometheus',
    folder,
    url,
    command,
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      `--web.external-url=${url}`,
      // What was sent before Alertmanager was found is sent again after a minute otherwise.
      ...(options.intervalSeconds ? [`--rules.alert.resend-delay=${options.intervalSeconds}s`] : []),
    ],
    isReady: async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok ?? false,
  });
  const api = <Data>(path: string) => get<Data>(`${url}${path}`);
  return {
    ...part,
    api,
    query: async (expression) => {
      const { result } = await api<Vector>(`/api/v1/query?${new URLSearchParams({ query: expression })}`);
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
  };
}

interface Vector {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly value: readonly [number, string];
  }[];
}

/** Copies what is deployed, and writes the files that name the targets; JSON is YAML, too. */
function writeConfig(folder: string, options: PrometheusOptions, address: string): string {
  cpSync(options.configFolder ?? PROMETHEUS_CONFIG, folder, { recursive: true });
  const config = join(folder, 'prometheus.yml');
  const text = readFileSync(config, 'utf8');
  const seconds = options.intervalSeconds;
  if (seconds !== undefined)
    writeFileSync(config, text.replaceAll(/(scrape|evaluation)_interval: \w+/g, `$1_interval: ${seconds}s`));
  const files = [...text.matchAll(/targets\/([\w-]+)\.yml/g)].map(([, name = '']) => name);
  const unknown = Object.keys(options.targets).find((name) => !files.includes(name));
  if (unknown) throw new SetupError(`${config} has no targets/${unknown}.yml`);
  mkdirSync(join(folder, 'targets'), { recursive: true });
  const targets: PrometheusOptions['targets'] = { prometheus: [{ targets: [address] }], ...options.targets };
  for (const name of files)
    writeFileSync(join(folder, 'targets', `${name}.yml`), JSON.stringify(targets[name] ?? []));
  return config;
}

async function get<Data>(url: string): Promise<Data> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  const answer = (await response.json()) as { status: string; error?: string; data: Data };
  if (answer.status !== 'success') throw new Error(`${answer.error} (${url})`);
  return answer.data;
}
