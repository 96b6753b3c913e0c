// The folder of a restore is one restore's alone: another one does not take it while its process runs, and cleans up after it died.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import {
  makeTemporaryWorkFolder,
  makeWorkFolder,
  removeWorkFolder,
} from '../../scripts/recovery/work-folder.ts';

const MODULE = new URL('../../scripts/recovery/work-folder.ts', import.meta.url).href;
const MARKER = '.restore-process';

let parent: string;
let folder: string;
const temporary = process.env.TMPDIR;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'ppuri-work-'));
  folder = join(parent, 'into.restoring');
});
afterEach(() => {
  if (temporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = temporary;
  rmSync(parent, { recursive: true, force: true });
});

/** Another process that has made a folder, and stays. */
async function otherRestore(call: string): Promise<AsyncDisposable> {
  const script = `import * as work from ${JSON.stringify(MODULE)}; work.${call}; console.log('made'); setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: parent },
  });
  await once(child.stdout, 'data');
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

test('the folder of a restore that runs is not taken; that of a killed one is cleaned up', async () => {
  {
    await using _other = await otherRestore(`makeWorkFolder(${JSON.stringify(folder)})`);
    writeFileSync(join(folder, 'ledger'), 'x');
    assert.throws(() => makeWorkFolder(folder), /belongs to another restore, which runs \(process \d+\)/);
    assert.ok(existsSync(join(folder, 'ledger')), 'the folder of a restore that runs was removed');
  }
  makeWorkFolder(folder);
  assert.deepEqual(readdirSync(folder), [MARKER]);
  removeWorkFolder(folder);
  assert.ok(!existsSync(folder));
});

test('a folder that is not certain to be a restore’s stays, and the refusal says what to do', () => {
  mkdirSync(folder);
  writeFileSync(join(folder, 'notes'), 'x');
  assert.throws(
    () => makeWorkFolder(folder),
    /into\.restoring is there, and no restore says that it is its own.*remove it/,
  );
  writeFileSync(join(folder, MARKER), 'db7.internal pid:[1]\n4242 99\n');
  assert.throws(
    () => makeWorkFolder(folder),
    /restore on db7\.internal: where that does not run any more, remove/,
  );
  assert.equal(readFileSync(join(folder, 'notes'), 'utf8'), 'x');
  const link = join(parent, 'link');
  symlinkSync(folder, link);
  assert.throws(() => makeWorkFolder(link), /is no folder of this user: remove it/);
});

test('below TMPDIR the folders of killed restores go, and those of others stay', async () => {
  process.env.TMPDIR = parent;
  mkdirSync(join(parent, 'ppuri-restore-unmarked'));
  const logged: string[] = [];
  let [running, killed] = ['', ''];
  {
    await using _killed = await otherRestore('makeTemporaryWorkFolder(() => {})');
    killed = readdirSync(parent).find((name) => !name.endsWith('unmarked')) ?? '';
  }
  await using _running = await otherRestore('makeTemporaryWorkFolder(() => {})');
  running = readdirSync(parent).find((name) => !name.endsWith('unmarked')) ?? '';
  assert.notEqual(running, killed, 'the one after it has removed the folder of a killed restore');
  const own = makeTemporaryWorkFolder((line) => logged.push(line));
  assert.deepEqual(logged, []);
  assert.deepEqual(
    readdirSync(parent).sort(),
    ['ppuri-restore-unmarked', running, own.split('/').at(-1)].sort(),
  );
});
