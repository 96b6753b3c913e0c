// `npm run observe`: what it checks on a fresh data folder, and that neither rude ends nor bad input leave anything running.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLockOf } from '../../../scripts/cli/dev-info.ts';
import { environmentOf, findFree, findFreePorts } from '../../../scripts/dev/ports.ts';
import { readPidFile } from '../../../scripts/dev/processes.ts';
import { until } from '../../until.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const PROGRAM = join(ROOT, 'scripts/ops/observe.ts');
/** Installing on a fresh machine takes minutes. */
const START_MS = 400_000;
const STOP_MS = 60_000;

interface Result {
  readonly urls: Readonly<Record<string, string>>;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  stdout(): string;
  stderr(): string;
  /** Resolves when the text was printed on stderr. */
  printed(text: string): Promise<void>;
}

interface Sandbox {
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  run(...options: readonly string[]): Run;
}

/** A data folder and ports of its own; whatever still runs there at the end of the test is a failure. */
async function sandbox(t: TestContext): Promise<Sandbox> {
  const dataDir = mkdtempSync(join(tmpdir(), 'ppuri-observe-'));
  // PostgreSQL may run as another user than we do.
  chmodSync(dataDir, 0o711);
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const { NODE_TEST_CONTEXT: _ours, ...rest } = process.env;
  const [otlpPort] = await findFree(1);
  const env = {
    ...rest,
    ...environmentOf(await findFreePorts()),
    DATA_DIR: dataDir,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${otlpPort}`,
  };
  return { dataDir, env, run: (...options) => run(t, env, options) };
}

function run(t: TestContext, env: NodeJS.ProcessEnv, options: readonly string[]): Run {
  const child = spawn(process.execPath, [PROGRAM, ...options], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (chunk) => {
      texts[name] += chunk;
    });
  return {
    child,
    ended: once(child, 'close').then(([code]) => code as number | null),
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    printed: async (text) => {
      for (const until = Date.now() + START_MS; !texts.stderr.includes(text); await sleep(100)) {
        assert.ok(
          child.exitCode === null && Date.now() < until,
          `it prints "${text}"; so far ${texts.stderr}`,
        );
      }
    },
  };
}

/** Waits until no process has the data folder in its command line or its environment. */
async function nothingRuns(dataDir: string): Promise<void> {
  const left = () =>
    execFileSync('ps', ['axeww', '-o', 'pid=,command='], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
      .split('\n')
      .filter((line) => line.includes(dataDir) && Number.parseInt(line, 10) !== process.pid);
  for (const until = Date.now() + STOP_MS; Date.now() < until; await sleep(200))
    if (left().length === 0) return;
  assert.deepEqual(
    left().map((line) => line.slice(0, 200)),
    [],
  );
}

test('alone it starts ppuri, and every check of a short run is ok', { timeout: START_MS }, async (t) => {
  const { dataDir, run } = await sandbox(t);
  const { ended, stdout, stderr } = run('--seconds', '20', '--json');
  const code = await ended;
  assert.notEqual(stdout(), '', stderr());
  const { urls, checks } = JSON.parse(stdout()) as Result;
  const failed = checks.filter(({ ok }) => !ok);
  const missing = failed.find(({ detail }) => detail.includes('cannot be had'));
  if (missing && process.env.CI !== 'true') {
    console.error(`\n!!! ${missing.detail}\n!!! This test is SKIPPED.\n`);
    return t.skip(missing.detail);
  }
  assert.deepEqual(failed, []);
  assert.ok(checks.length >= 10, checks.map(({ name }) => name).join());
  for (const url of Object.values(urls)) assert.match(url, /^http:\/\/127\.0\.0\.1:\d+/);
  assert.equal(code, 0);
  await nothingRuns(dataDir);
});

const RUDE: readonly (readonly [signal: NodeJS.Signals, moment: string, line: string])[] = [
  ['SIGTERM', 'while ppuri starts', 'starting one'],
  ['SIGINT', 'while calls are sent', 'Sending calls'],
  ['SIGKILL', 'while calls are sent', 'Sending calls'],
];

for (const [signal, moment, line] of RUDE) {
  test(`${signal} ${moment} leaves nothing running`, { timeout: START_MS }, async (t) => {
    const { dataDir, run } = await sandbox(t);
    const { child, ended, stdout, printed } = run('--json');
    await printed(line);
    child.kill(signal);
    const code = await ended;
    assert.notEqual(code, 0);
    assert.equal(stdout(), '');
    await nothingRuns(dataDir);
  });
}

test('beside an npm start it leaves that running, and ends with it', { timeout: START_MS }, async (t) => {
  const { dataDir, env, run } = await sandbox(t);
  const start = spawn(process.execPath, ['scripts/start.ts'], { cwd: ROOT, env, stdio: 'ignore' });
  t.after(() => start.kill('SIGKILL'));
  await until('npm start has the data folder', () => readPidFile(startLockOf(dataDir)) !== undefined);
  const first = run('--seconds', '60', '--json');
  await first.printed('Sending calls');
  assert.doesNotMatch(first.stderr(), /starting one/);
  const second = run();
  assert.equal(await second.ended, 1);
  assert.match(second.stderr(), /^npm run observe runs on this data folder already \(pid \d+\)\n$/);
  first.child.kill('SIGTERM');
  await first.ended;
  assert.notEqual(readPidFile(startLockOf(dataDir)), undefined, 'npm start still runs');
  const third = run('--json');
  await third.printed('Sending calls');
  start.kill('SIGTERM');
  assert.equal(await third.ended, 1);
  assert.match(third.stderr(), /the npm start on the data folder .* has ended\n$/);
  assert.equal(third.stdout(), '');
  await nothingRuns(dataDir);
});

test('a port of ppuri that is taken is said with the variable that moves it', {
  timeout: START_MS,
}, async (t) => {
  const { dataDir, env, run } = await sandbox(t);
  const server = createServer().listen(Number(env.REST_PORT), '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { ended, stderr, stdout } = run('--json');
  assert.equal(await ended, 1);
  assert.match(stderr(), /port \d+ on 127\.0\.0\.1 is taken by another program; set REST_PORT to a free one/);
  assert.doesNotMatch(stderr(), /^\s+at /m, 'a stack trace');
  assert.equal(stdout(), '');
  await nothingRuns(dataDir);
});

const BAD_SECONDS = ['x', '0', '-5', '1e3', '14', '86401', '20.5', ''];

test('bad options are refused with the usage', async (t) => {
  const { run } = await sandbox(t);
  const cases: readonly (readonly [options: readonly string[], message: RegExp])[] = [
    [['--nonsense'], /^Unknown option '--nonsense'\nusage: npm run observe/],
    [['stray'], /^Unexpected argument 'stray'\nusage: /],
    [['--seconds'], /--seconds.*\nusage: /],
    ...BAD_SECONDS.map(
      (seconds) =>
        [[`--seconds=${seconds}`], /^--seconds must be a whole number from 15 to 86400\nusage: /] as const,
    ),
  ];
  await Promise.all(
    cases.map(async ([options, message]) => {
      const { ended, stderr, stdout } = run(...options);
      assert.equal(await ended, 1, options.join(' '));
      assert.match(stderr(), message);
      assert.equal(stdout(), '');
    }),
  );
});
