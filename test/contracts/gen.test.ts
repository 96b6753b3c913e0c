// A gen/ that is not what the contracts print is noticed. That ours is, `npm test` checks before the tests.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, it } from 'node:test';

const root = resolve(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'ppuri-gen-test-'));
after(() => rmSync(folder, { recursive: true }));

it('names each file that was altered, left out or put in by hand, and then puts it right', () => {
  assert.equal(gen('--folder', folder).status, 0);
  assert.equal(gen('--check', '--folder', folder).status, 0);
  appendFileSync(join(folder, 'openapi', 'wallet.v1.json'), ' ');
  rmSync(join(folder, 'descriptor.binpb'));
  writeFileSync(join(folder, 'ts', 'by-hand.ts'), '');

  const { status, stderr } = gen('--check', '--folder', folder);

  assert.equal(status, 1);
  const [first, second, third, ...last] = stderr.trim().split('\n');
  assert.equal(first, `${join(folder, 'descriptor.binpb')}: is missing`);
  assert.equal(second, `${join(folder, 'openapi', 'wallet.v1.json')}: differs`);
  assert.equal(third, `${join(folder, 'ts', 'by-hand.ts')}: should not be there`);
  assert.match(last.join('\n'), /run npm run gen/);

  assert.match(gen('--folder', folder).stdout, /files changed: 3\n$/);
  assert.match(gen('--folder', folder).stdout, /nothing new\n$/);
});

function gen(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(root, 'scripts', 'gen.ts'), ...args], { encoding: 'utf8' });
}
