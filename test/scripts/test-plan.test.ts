// `npm test` runs each test file once, and a file that shares its process hides nothing of the others.
import assert from 'node:assert/strict';
import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../../scripts/dev/processes.ts';
import { planTests, writeProcesses } from '../../scripts/dev/test-plan.ts';

const ROOT = resolve(import.meta.dirname, '../..');

test('the two commands run each test file once', () => {
  const planned = [...planTests(false), ...planTests(true)].flat();
  assert.deepEqual(planned.sort(), globSync('test/**/*.test.ts', { cwd: ROOT }).sort());
  for (const file of planned) assert.ok(existsSync(join(ROOT, file)), file);
});

/** Runs files of these texts in one process, as `npm test` does. */
async function runFiles(texts: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-test-'));
  try {
    const paths = Object.entries(texts).map(([name, text]) => {
      const path = join(folder, `${name}.test.mjs`);
      writeFileSync(path, `import { after, before, test } from 'node:test';\n${text}`);
      return path;
    });
    const processes = writeProcesses([paths], join(folder, 'processes'));
    const { NODE_TEST_CONTEXT: _ours, ...env } = process.env;
    const guard = ['--import', join(ROOT, 'test', 'orphan-guard.ts')];
    const args = ['--test', '--test-reporter=tap', ...guard, ...processes];
    return await runCommand(process.execPath, args, { env });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a file that fails, or cannot be loaded, is named, and the others are run, each with its own hooks', async () => {
  const { ok, output } = await runFiles({
    first: `before(() => console.log('hook of first')); test('good', () => {}); test('bad', () => { throw new Error('so it is'); });`,
    second: `import './nowhere.mjs';`,
    third: `before(() => console.log('hook of third')); test('last', () => {});`,
  });
  assert.equal(ok, false);
  for (const part of ['ok 1 - good', 'not ok 2 - bad', 'so it is', 'ok 1 - last'])
    assert.ok(output.includes(part), output);
  assert.match(output, /not ok 2 - \S+second\.test\.mjs/);
  assert.match(output, /ok 3 - \S+third\.test\.mjs/);
  assert.equal(output.split('hook of first').length, 2, 'its hook runs once');
});

test('a file that exits its process fails it, though it says that all is well', async () => {
  const { ok, output } = await runFiles({
    first: `test('good', () => {}); test('gone', () => process.exit(0));`,
    second: `test('never run', () => {});`,
  });
  assert.equal(ok, false);
  assert.ok(output.includes('exited before its tests had ended'), output);
});
