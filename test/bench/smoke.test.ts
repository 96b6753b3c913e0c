// The bench runs, and its JSON has the documented shape. Figures are not asserted, because they depend on the machine.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(ROOT, program), ...args], {
      env: { ...process.env, ...env },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.once('close', (code) => done({ code, stdout, stderr }));
  });
}

test('a short run prints cases and ratios as JSON, and nothing else', async () => {
  const names = ['bare gRPC echo', 'CreateTransfer, 1,000', 'Postgres alone, uniform', 'rush'];
  const cases = names.flatMap((name) => ['--case', name]);
  const { code, stdout, stderr } = await run('bench/main.ts', [
    ...['--json', '--seconds', '0.3', '--inflight', '16'],
    ...cases,
  ]);
  assert.equal(code, 0, stderr);
  const report = JSON.parse(stdout);
  assert.deepEqual(Object.keys(report), ['cases', 'ratios']);
  const measured: string[] = report.cases.map(({ name }: { name: string }) => name);
  for (const name of names)
    assert.ok(
      measured.some((found) => found.includes(name)),
      name,
    );
  for (const found of report.cases) {
    for (const figure of ['callsPerSecond', 'p50Ms', 'p99Ms', 'p999Ms'])
      assert.ok(found[figure] > 0, `${found.name}: ${figure}`);
    assert.equal(found.errors, 0, found.problems.join());
    assert.equal(typeof found.cpuSecondsPer1000Calls, 'object');
  }
  const transfers = report.cases.find(({ name }: { name: string }) => name.startsWith('CreateTransfer'));
  assert.ok(transfers.commitsPerTransfer > 0 && transfers.commitsPerTransfer <= 1.5);
  assert.ok(transfers.walBytesPerTransfer > 100);
  assert.ok(transfers.openLoop.p99Ms > 0);
  assert.ok(report.ratios.length >= 3);
  for (const { name, value, atLeast, reached } of report.ratios) {
    assert.equal(typeof name, 'string');
    assert.ok(value > 0 && atLeast > 0);
    assert.equal(reached, value >= atLeast);
  }
});

test('a port that is taken: one line that says which, and how to get around it', async () => {
  const other = createSocketServer();
  await new Promise<void>((ready) => other.listen(0, '127.0.0.1', ready));
  const { port } = other.address() as AddressInfo;
  const { code, stdout, stderr } = await run('bench/main.ts', ['--case', 'echo'], {
    POSTGRES_PORT: String(port),
  });
  other.close();
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, new RegExp(`^port ${port} on 127.0.0.1 is taken .*POSTGRES_PORT.*\\n$`));
});

test('a data folder that is in use, or is not the bench’s: one line', async () => {
  const { tryLock } = await import('../../scripts/dev/files.ts');
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-test-'));
  const asked = { DATA_DIR: folder };
  writeFileSync(join(folder, 'precious'), 'data');
  const foreign = await run('bench/main.ts', ['--case', 'echo'], asked);
  assert.equal(foreign.code, 1);
  assert.match(foreign.stderr, /^the data folder .* holds something that is not the bench's; .*\n$/);
  rmSync(join(folder, 'precious'));
  const lock = tryLock(join(folder, 'run', 'start.lock'));
  const busy = await run('bench/main.ts', ['--case', 'echo'], asked);
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
    const { code, stdout, stderr } = await run('bench/main.ts', args);
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
    run('bench/generator/load.ts', [
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
  const paced = JSON.parse((await load('--rate', '50')).stdout);
  assert.ok(paced.callsPerSecond <= 100, `${paced.callsPerSecond}/s where 50/s were asked for`);
  writeFileSync(file, '{"path": "/nothing"}\n');
  const refused = await load();
  assert.equal(refused.code, 1);
  assert.deepEqual(Object.keys(JSON.parse(refused.stdout).problems), ['422 {}']);
  ledger.close();
  rmSync(join(file, '..'), { recursive: true });
});
