// Every program with options prints its usage for --help and for an unknown option, without a running stack.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAMS = [
  'scripts/start.ts',
  'scripts/test.ts',
  'scripts/call.ts',
  'scripts/curl.ts',
  'scripts/payout.ts',
  'scripts/statement.ts',
  'scripts/webhooks.ts',
  'scripts/protos.ts',
  'scripts/keys.ts',
  'scripts/archive.ts',
  'scripts/backup.ts',
  'scripts/restore.ts',
  'scripts/drill.ts',
  'scripts/edge.ts',
  'scripts/docs.ts',
  'scripts/image.ts',
  'scripts/ops/observe.ts',
  'scripts/chart.ts',
  'scripts/dashboards.ts',
  'scripts/screenshots.ts',
  'bench/main.ts',
  'bench/generator/load.ts',
];

/** One that goes on instead of answering is ended, in milliseconds. */
const MOST_MS = 30_000;

const run = (program: string, option: string) =>
  spawnSync(process.execPath, [join(ROOT, program), option], {
    encoding: 'utf8',
    timeout: MOST_MS,
    env: { ...process.env, DATA_DIR: join(ROOT, 'var', 'nothing-runs-here') },
  });

for (const program of PROGRAMS) {
  test(`${program} --help and --nonsense`, () => {
    const help = run(program, '--help');
    assert.equal(help.status, 0, help.stderr);
    assert.match(help.stdout, /^usage: npm (run|start|test)/);
    const wrong = run(program, '--nonsense');
    assert.notEqual(wrong.status, 0);
    assert.match(wrong.stderr, /^Unknown option '--nonsense'\nusage: npm /);
    assert.doesNotMatch(wrong.stderr, /^\s+at /m, 'a stack trace');
  });
}
