// A folder of generated code that is not what the contracts print is noticed. That ours is, `npm test` checks before the tests.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, it } from 'node:test';
import { differences } from '../../scripts/contracts/folders.ts';
import { PRINTED } from '../../scripts/contracts/print-contracts.ts';

const root = resolve(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'ppuri-gen-test-'));
after(() => rmSync(folder, { recursive: true }));

it('names each file that was altered, left out or put in by hand, and then puts it right', () => {
  const [gen, python] = PRINTED;
  for (const name of PRINTED) cpSync(join(root, name), join(folder, name), { recursive: true });
  appendFileSync(join(folder, gen, 'openapi', 'wallet.v1.json'), ' ');
  rmSync(join(folder, gen, 'descriptor.binpb'));
  writeFileSync(join(folder, gen, 'ts', 'by-hand.ts'), '');
  appendFileSync(join(folder, python, 'v2.pyi'), ' ');

  const { status, stderr } = runGen('--check', '--root', folder);

  assert.equal(status, 1);
  const [first, second, third, advice = '', fourth, ...last] = stderr.trim().split('\n');
  assert.equal(first, `${join(gen, 'descriptor.binpb')}: is missing`);
  assert.equal(second, `${join(gen, 'openapi', 'wallet.v1.json')}: differs`);
  assert.equal(third, `${join(gen, 'ts', 'by-hand.ts')}: should not be there`);
  assert.match(advice, /run npm run gen/);
  assert.equal(fourth, `${join(python, 'v2.pyi')}: differs`);
  assert.match(last.join('\n'), /run npm run gen/);

  assert.match(runGen('--root', folder).stdout, /files changed: 3\n.*files changed: 1\n$/);
  for (const name of PRINTED) assert.deepEqual(differences(join(root, name), join(folder, name)), []);
});

function runGen(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(root, 'scripts', 'gen.ts'), ...args], { encoding: 'utf8' });
}
