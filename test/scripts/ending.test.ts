// A command that is done ends, also under npm run, which waits for it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const WITHIN_MS = 30_000;

test('a program that listens for signals ends when it is done', async () => {
  const program = ['scripts/bootstrap.mjs', 'test/scripts/ending-program.ts'];
  const { stdout } = await promisify(execFile)(process.execPath, program, { timeout: WITHIN_MS });
  assert.equal(stdout, 'done\n');
});
