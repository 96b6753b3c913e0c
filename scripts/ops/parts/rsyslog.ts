// Runs rsyslog with the configuration of deploy/observability/rsyslog, which ships logs into a log store.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../../cli/program.ts';
import { runCommand } from '../../dev/processes.ts';
import { debianPackages, type FoundPrograms } from '../install.ts';
import { type Part, type PartOptions, required, startPart } from './part.ts';

/** What rsyslog ships, and where to. */
export interface RsyslogOptions extends Omit<PartOptions, 'port'> {
  /** The folder below which each process has a folder of logs. */
  readonly logs: string;
  /** The URL of Elasticsearch or OpenSearch. */
  readonly store: string;
}

/** A running rsyslog; its `url` is that of the store. */
export interface Rsyslog extends Part {
  /** Holds lines that are no documents, once there was one. */
  readonly refused: string;
}

const CONFIG = fileURLToPath(new URL('../../../deploy/observability/rsyslog/ppuri.conf', import.meta.url));

/** Finds or installs rsyslog with its module for Elasticsearch. */
export async function findRsyslog(log?: (line: string) => void): Promise<FoundPrograms> {
  const module = await debianPackages(['rsyslog', 'rsyslog-elasticsearch'], [], log);
  return 'reason' in module ? module : debianPackages(['rsyslog'], ['rsyslogd'], log);
}

/** Starts it. Throws a SetupError when it cannot be had or refuses the configuration. */
export async function startRsyslog(options: RsyslogOptions): Promise<Rsyslog> {
  const [command = ''] = required('rsyslog', await findRsyslog(options.log)).paths;
  const folder = join(options.folder, 'rsyslog');
  const work = join(folder, 'work');
  const refused = join(folder, 'refused.log');
  // As the service's RuntimeDirectory does it.
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const config = join(folder, 'ppuri.conf');
  const text = readFileSync(CONFIG, 'utf8')
    .replaceAll('/run/ppuri-rsyslog', work)
    .replaceAll('/var/log/ppuri/', `${options.logs}/`)
    .replaceAll('/var/log/ppuri-refused.log', refused)
    .replaceAll('http://127.0.0.1:9200', options.store);
  writeFileSync(config, text);
  const check = await runCommand(command, ['-N1', '-f', config]);
  if (!check.ok) throw new SetupError(`rsyslog refuses its configuration:\n${check.output}`);
  const part = await startPart({
    name: 'rsyslog',
    folder,
    url: options.store,
    command,
    args: ['-n', '-f', config, '-i', 'NONE'],
    isReady: async () => true,
  });
  return { ...part, refused };
}
