// Runs deploy/observability/log-probe.sh again and again, as cron does it where it is deployed.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Part, type PartOptions, startPart } from './part.ts';

/** What the probe writes, and where it asks. */
export interface LogProbeOptions extends Omit<PartOptions, 'port' | 'log'> {
  /** The folder below which each process has a folder of logs. */
  readonly logs: string;
  /** The URL of Elasticsearch or OpenSearch. */
  readonly store: string;
  /** The pause between two runs, in seconds. */
  readonly everySeconds: number;
}

const SCRIPT = fileURLToPath(new URL('../../../deploy/observability/log-probe.sh', import.meta.url));

/** The folder below `folder` in which the node exporter reads what the probe tells. */
export function textfilesIn(folder: string): string {
  const textfiles = join(folder, 'textfiles');
  mkdirSync(textfiles, { recursive: true });
  return textfiles;
}

/** Starts it; its `url` is that of the store. */
export function startLogProbe({ folder, logs, store, everySeconds }: LogProbeOptions): Promise<Part> {
  return startPart({
    name: 'log probe',
    folder: join(folder, 'log-probe'),
    url: store,
    command: 'sh',
    args: ['-c', 'while sh "$0"; do sleep "$1"; done', SCRIPT, String(everySeconds)],
    env: {
      ...process.env,
      ELASTICSEARCH_URL: store,
      PROBE_LOG_DIR: join(logs, 'log-probe'),
      TEXTFILE_DIR: textfilesIn(folder),
    },
    isReady: async () => true,
  });
}
