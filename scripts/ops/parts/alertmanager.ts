// Runs Alertmanager; by default with the configuration that is deployed.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFree, HOST } from '../../dev/ports.ts';
import { debianPackages, type FoundPrograms } from '../install.ts';
import { answers, type Part, type PartOptions, required, startPart } from './part.ts';

/** How to run Alertmanager. */
export interface AlertmanagerOptions extends PartOptions {
  /** The path of its configuration; deploy/observability/alertmanager/alertmanager.yml by default. */
  readonly config?: string;
  /** Takes the place of the address in the receivers' webhooks, `http://127.0.0.1:9095`. */
  readonly webhookUrl?: string;
}

const CONFIG = fileURLToPath(
  new URL('../../../deploy/observability/alertmanager/alertmanager.yml', import.meta.url),
);
const DEPLOYED_WEBHOOK = 'http://127.0.0.1:9095';

/** Finds or installs prometheus-alertmanager and amtool, in this order. */
export function findAlertmanager(log?: (line: string) => void): Promise<FoundPrograms> {
  return debianPackages(['prometheus-alertmanager'], ['prometheus-alertmanager', 'amtool'], log);
}

/** Starts Alertmanager. Throws a SetupError when it cannot be had or does not start. */
export async function startAlertmanager(options: AlertmanagerOptions): Promise<Part> {
  const [command = ''] = required('Alertmanager', await findAlertmanager(options.log)).paths;
  const [free = 0] = await findFree(1);
  const address = `${HOST}:${options.port ?? free}`;
  const folder = join(options.folder, 'alertmanager');
  const config = join(folder, 'alertmanager.yml');
  mkdirSync(folder, { recursive: true });
  const text = readFileSync(options.config ?? CONFIG, 'utf8');
  writeFileSync(config, options.webhookUrl ? text.replaceAll(DEPLOYED_WEBHOOK, options.webhookUrl) : text);
  return startPart({
    name: 'Alertmanager',
    folder,
    url: `http://${address}`,
    command,
    args: [
      `--config.file=${config}`,
      `--storage.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      // Without a value it would open a port for a cluster of its own.
      '--cluster.listen-address=',
    ],
    isReady: () => answers(`http://${address}/-/ready`),
  });
}
