// What the bench refuses before it measures, and its generator on any REST API. test/ops/bench runs it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from './run-program.ts';

test('a data folder that is in use, or is not the bench’s: one line', async () => {
  const { tryLock } = await import('../../scripts/dev/files.ts');
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-test-'));
  const asked = { BENCH_DATA_DIR: folder };
  writeFileSync(join(folder, 'precious'), 'data');
  const foreign = await runProgram('bench/main.ts', ['--case', 'echo'], asked);
  assert.equal(foreign.code, 1);
  assert.match(foreign.stderr, /^the data folder .* holds something that is not the bench's; .*\n$/);
  rmSync(join(folder, 'precious'));
  const lock = tryLock(join(folder, 'run', 'start.lock'));
  const busy = await runProgram('bench/main.ts', ['--case', 'echo'], asked);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, new RegExp(`^the data folder .* is in use by process ${process.pid}; .*\\n$`));
  if ('unlock' in lock) lock.unlock();
  rmSync(folder, { recursive: true });
});

test('invalid options are refused in one line', async () => {
  for (const args of [
    ['--seconds', 'x'],
    ['--runs', '0'],
    ['--case', 'no such case'],
  ]) {
    const { code, stdout, stderr } = await runProgram('bench/main.ts', args);
    assert.equal(code, 1, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, /^[^\n]+\n$/);
  }
});

test('the generator loads any REST API, and reports what it refuses', async () => {
  const seen = new Set<string>();
  const ledger = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      if (request.url === '/transfers') seen.add(JSON.parse(body).reference);
      response.writeHead(request.url === '/transfers' ? 201 : 422).end('{}');
    });
  });
  await new Promise<void>((ready) => ledger.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${(ledger.address() as AddressInfo).port}`;
  const file = join(mkdtempSync(join(tmpdir(), 'ppuri-test-')), 'calls.jsonl');
  const load = (...more: string[]) =>
    runProgram('bench/generator/load.ts', [
      ...['--url', url, '--calls', file, '--seconds', '0.3', '--warmup', '0.1', '--inflight', '4', '--json'],
      ...more,
    ]);
  writeFileSync(
    file,
    '{"method": "POST", "path": "/transfers", "body": {"reference": "{uuid}", "amount": 1}}\n',
  );
  const good = await load();
  assert.equal(good.code, 0, good.stderr);
  const result = JSON.parse(good.stdout);
  assert.ok(result.callsPerSecond > 0 && result.p99Ms >= result.p50Ms && seen.size > 1);
  const [before, beganAt] = [seen.size, performance.now()];
  assert.equal((await load('--rate', '50')).code, 0);
  // Those that came due while the machine was busy are made late, but none before it is due.
  const due = 1 + (50 * (performance.now() - beganAt)) / 1000;
  assert.ok(seen.size > before && seen.size - before <= due, `${seen.size - before} calls, ${due} were due`);
  writeFileSync(file, '{"path": "/nothing"}\n');
  const refused = await load();
  assert.equal(refused.code, 1);
  assert.deepEqual(Object.keys(JSON.parse(refused.stdout).problems), ['422 {}']);
  ledger.close();
  rmSync(join(file, '..'), { recursive: true });
});
