// `npm run build` compiles what the image runs: plain JavaScript that imports nothing but Node, itself and the packages of production.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { mustRun } from '../must-run.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DIST = join(ROOT, 'dist');
/** A static import or export, or a dynamic import of a literal. */
const IMPORT =
  /^(?:(?:import|export)\b[^;'"]*?\bfrom|import) ?['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm;
const onLinux = { skip: process.platform !== 'linux' && 'the image is for Linux' };

before(() => mustRun(process.execPath, [join(ROOT, 'scripts', 'build.ts')]));

test('it imports no package of development, no TypeScript, and no file that is missing', () => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const files = globSync('**/*.js', { cwd: DIST });
  assert.ok(files.includes('src/server/main.js') && files.includes('src/worker/main.js'));
  const imports = files.flatMap((file) =>
    [...readFileSync(join(DIST, file), 'utf8').matchAll(IMPORT)].map(([, still, dynamic]) => ({
      file,
      target: still ?? dynamic ?? '',
    })),
  );
  assert.ok(imports.some(({ target }) => target === '../src/server/main.js'));
  assert.ok(imports.some(({ target }) => target === 'bullmq'));
  const packages = Object.keys(dependencies);
  const wrong = imports.filter(({ file, target }) => !isThere(target, join(DIST, dirname(file)), packages));
  assert.deepEqual(wrong, []);
});

function isThere(target: string, folder: string, packages: readonly string[]): boolean {
  if (target.startsWith('.')) return existsSync(join(folder, target));
  const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/');
  return target.startsWith('node:') || builtinModules.includes(target) || packages.includes(name);
}

test('files that programs read are beside them', () => {
  const filesOf = (folder: string) =>
    globSync(['src/**/*.sql', 'envoy/*.{yaml,lua}', 'gen/*.binpb', 'scripts/image/*.sh'], {
      cwd: folder,
    }).toSorted();
  assert.ok(filesOf(ROOT).length > 10);
  assert.deepEqual(filesOf(DIST), filesOf(ROOT));
});

test('the entry point names the programs, and each of them says what it lacks', onLinux, () => {
  const run = (...args: readonly string[]) => {
    const env = { PATH: process.env.PATH, CONFINEMENT: 'warn' };
    const options = { env, encoding: 'utf8', timeout: 60_000 } as const;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(DIST, 'scripts', 'ppuri.js'), ...args],
      options,
    );
    assert.ok(status !== null, args.join(' '));
    return { status, output: stdout + stderr };
  };
  const unknown = run('toString');
  assert.deepEqual(
    [
      unknown.status,
      unknown.output.includes('server, worker, migrate, await-migrations, keys, verify, backup, restore'),
    ],
    [1, true],
  );
  for (const program of ['server', 'worker', 'migrate', 'await-migrations', 'archive-wal']) {
    const { status, output } = run(program);
    assert.deepEqual([status, /_URL is required/.test(output)], [1, true], output);
  }
  for (const program of ['edge', 'backup', 'restore', 'archive'])
    assert.match(run(program, '--help').output, /^usage: /m, program);
});
