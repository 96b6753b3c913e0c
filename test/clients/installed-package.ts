// The TypeScript client as a project has it: packed, and installed without this repository's sources.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { withLock } from '../../scripts/dev/files.ts';
import { mustRun } from '../must-run.ts';

/** The folder of the package's sources. */
export const PACKAGE = 'clients/typescript';
/** The root of the repository. */
export const ROOT = join(import.meta.dirname, '..', '..');
/** The packages of the repository. */
export const MODULES = join(ROOT, 'node_modules');

/** A project in plain JavaScript that has the package. */
export interface ClientProject {
  readonly folder: string;
  /** Runs a program of the project and returns its stdout; no TypeScript is loaded. */
  run(program: string, env: NodeJS.ProcessEnv): Promise<string>;
  remove(): void;
}

/**
 * Packs the client and installs it in a new project; the packages that it depends on, and `more`, are linked, so that no
 * registry is needed.
 */
export async function installPackage(more: readonly string[] = []): Promise<ClientProject> {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-client-'));
  const installed = join(folder, 'node_modules', '@ppuri', 'client');
  const env = { ...process.env, PATH: `${join(MODULES, '.bin')}:${process.env.PATH}` };
  // The package is built in its own folder, where another test file may be packing it.
  await withLock(join(ROOT, '.cache', 'client-pack.lock'), () =>
    mustRun('npm', ['pack', '--pack-destination', folder], { cwd: join(ROOT, PACKAGE), env }),
  );
  mkdirSync(installed, { recursive: true });
  const tarball = join(folder, 'ppuri-client-0.1.0.tgz');
  await mustRun('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed]);
  // Only what package.json names: an import of anything else fails.
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  for (const name of [...Object.keys(dependencies), ...more]) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(MODULES, name), link);
  }
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}\n');
  return {
    folder,
    run: (program, variables) =>
      mustRun(process.execPath, ['--no-strip-types', program], {
        cwd: folder,
        env: { ...process.env, ...variables },
      }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
