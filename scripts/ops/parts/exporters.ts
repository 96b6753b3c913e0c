// Runs the exporters of what ppuri stands on: the machine, Redis and Postgres.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFree, HOST } from '../../dev/ports.ts';
import { debianPackages, type FoundPrograms } from '../install.ts';
import { textfilesIn } from './log-probe.ts';
import { type Part, type PartOptions, required, startPart } from './part.ts';

const CUSTOM_QUERIES = fileURLToPath(
  new URL('../../../deploy/observability/prometheus/postgres-queries.yml', import.meta.url),
);

/** The packages by the job of Prometheus that scrapes them. */
export const EXPORTERS = {
  node: 'prometheus-node-exporter',
  redis: 'prometheus-redis-exporter',
  postgres: 'prometheus-postgres-exporter',
} as const;

/** Finds or installs one exporter. */
export function findExporter(
  job: keyof typeof EXPORTERS,
  log?: (line: string) => void,
): Promise<FoundPrograms> {
  return debianPackages([EXPORTERS[job]], [EXPORTERS[job]], log);
}

/** The exporter's own list without `overlay`, which is the disk where this runs in a container. */
const NO_DISKS =
  '^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$';

/** Starts the exporter of this machine: CPU, memory, disks, network, and what the log probe in the same folder tells. */
export function startNodeExporter(options: PartOptions): Promise<Part> {
  const collectors = ['cpu', 'meminfo', 'filesystem', 'loadavg', 'netdev', 'diskstats', 'timex', 'textfile'];
  return startExporter('node', 'node exporter', options, (address) => ({
    args: [
      `--web.listen-address=${address}`,
      '--collector.disable-defaults',
      `--collector.filesystem.fs-types-exclude=${NO_DISKS}`,
      `--collector.textfile.directory=${textfilesIn(options.folder)}`,
      ...collectors.map((name) => `--collector.${name}`),
    ],
  }));
}

/** Starts the exporter of a Redis. */
export function startRedisExporter(options: PartOptions & { readonly redisUrl: string }): Promise<Part> {
  return startExporter('redis', 'Redis exporter', options, (address) => ({
    // A Redis that hangs is down (redis_up 0); without this the exporter itself would be late for Prometheus.
    args: ['-web.listen-address', address, '-connection-timeout=500ms'],
    // In the environment, where other users of the machine do not see the password.
    env: { ...process.env, REDIS_ADDR: options.redisUrl },
  }));
}

/** Starts the exporter of a Postgres. The role of `databaseUrl` should have pg_monitor and nothing else. */
export function startPostgresExporter(
  options: PartOptions & { readonly databaseUrl: string; readonly queries?: string },
): Promise<Part> {
  const dataSource = new URL(options.databaseUrl);
  dataSource.searchParams.set('sslmode', 'disable');
  return startExporter('postgres', 'Postgres exporter', options, (address) => ({
    args: [
      `--web.listen-address=${address}`,
      // It reads columns that PostgreSQL 17 moved to another view, and would fail each scrape.
      '--no-collector.bgwriter',
      `--extend.query-path=${options.queries ?? CUSTOM_QUERIES}`,
    ],
    env: { ...process.env, DATA_SOURCE_NAME: dataSource.href },
  }));
}

async function startExporter(
  job: keyof typeof EXPORTERS,
  name: string,
  options: PartOptions,
  how: (address: string) => { args: readonly string[]; env?: NodeJS.ProcessEnv },
): Promise<Part> {
  const [command = ''] = required(`the ${name}`, await findExporter(job, options.log)).paths;
  const [free = 0] = await findFree(1);
  const address = `${HOST}:${options.port ?? free}`;
  return startPart({
    name,
    folder: join(options.folder, 'exporters'),
    url: `http://${address}`,
    command,
    ...how(address),
  });
}
