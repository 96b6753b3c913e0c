// The README is true: the signed call that it shows, run as it stands there, is answered.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const ADDRESS = 'http://127.0.0.1:8080';
let stack: Stack;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
  await stack.addUsers([1001]);
  await stack.fund([1001], 4321);
});
after(() => stack.stop());

function lacking(): string | false {
  if (withoutEdge) return withoutEdge;
  const missing = ['python3', 'curl'].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
  if (missing.length > 0 && process.env.CI === 'true') throw new Error(`not here: ${missing.join(', ')}`);
  return missing.length > 0 && `${missing.join(', ')} cannot be had here`;
}

test('the signed call without our code, to the letter but for the port', { skip: lacking() }, async () => {
  const block = /```sh\n(.*?)```/s.exec(README)?.[1];
  if (!block?.includes(ADDRESS)) assert.fail('the README shows no signed call');
  assert.ok(stack.key.kind === 'hmac-sha256');
  const secret = Buffer.from(stack.key.secret).toString('utf8');
  mkdirSync(join(stack.logDir, 'var'));
  writeFileSync(
    join(stack.logDir, 'var', 'dev.json'),
    JSON.stringify({ keys: [{ keyId: stack.key.keyId, secret }] }),
  );
  const script = block.replace(ADDRESS, stack.restUrl);
  const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: stack.logDir, timeout: 20_000 });
  assert.deepEqual(JSON.parse(stdout), { balance: '4321' });
});

test('every command that the README names is there', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  for (const [, name = ''] of README.matchAll(/npm run (\w+)/g)) assert.ok(name in scripts, name);
});
