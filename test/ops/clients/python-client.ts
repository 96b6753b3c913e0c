// The Python client as an installed package, in an environment that has what it needs and what checks it.
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../../scripts/dev/install.ts';
import { mustRun } from '../../must-run.ts';
import { orSkip } from '../../skip.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const REQUIREMENTS = join(import.meta.dirname, 'python', 'requirements.txt');

/** Python with what the package needs, but without the package; `skip` says why there is none. */
export const clientPython = orSkip(
  await findProgram(
    {
      folder: join(ROOT, '.cache', `python-client-${digestOf(REQUIREMENTS)}`),
      requirements: REQUIREMENTS,
      program: 'bin/python3',
      title: 'what the Python client needs',
    },
    console.error,
  ),
  'The Python client',
);

/** The package, installed in a folder of its own. */
export interface InstalledClient {
  /** Holds the package and whatever a test puts there. */
  readonly folder: string;
  /** The folder of the package. */
  readonly site: string;
  /** What Python needs in its environment to find the package. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs Python in the folder, with these variables in its environment too; returns its stdout. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  remove(): void;
}

/** Builds the package from a copy, so that nothing is left in the clone, and installs it. */
export async function installPythonClient(): Promise<InstalledClient> {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-python-'));
  const source = join(folder, 'source');
  cpSync(join(ROOT, 'clients', 'python'), source, { recursive: true });
  const site = join(folder, 'site');
  const env = { PYTHONPATH: site, PYTHONDONTWRITEBYTECODE: '1' };
  await mustRun(clientPython.path, [
    ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-index', '--no-deps'],
    ...['--no-build-isolation', '--target', site, source],
  ]);
  return {
    folder,
    site,
    env,
    run: (args, more = {}) =>
      mustRun(clientPython.path, args, { cwd: folder, env: { ...process.env, ...env, ...more } }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12);
}
