// `npm test`: all checks and tests, with real PostgreSQL, Redis and Envoy on free ports in a temporary folder.
//
//   npm test                        all checks and all tests
//   npm test -- test/race/*.ts      only these tests
import { type ChildProcess, spawn } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { migrate } from '../src/db/migrate.ts';
import { findEnvoy } from './dev/envoy.ts';
import { loadSecret } from './dev/files.ts';
import { findFree } from './dev/ports.ts';
import { type Postgres, startPostgres } from './dev/postgres.ts';
import { killProcesses } from './dev/processes.ts';
import { onStopSignal, readCommandLine, SetupError } from './dev/program.ts';
import { type Redis, startRedis } from './dev/redis.ts';

const ROOT = resolve(import.meta.dirname, '..');
const TEMPLATE = 'ppuri_template';
const log = (line: string) => console.error(line);

/** The checks besides the tests, each a command that fails. */
const CHECKS: Record<string, readonly string[]> = {
  'lint and format': ['biome', 'check', '.'],
  types: ['tsc'],
  'generated code is in step with the contracts': ['node', 'scripts/gen.ts', '--check'],
  'contracts: lint': ['buf', 'lint'],
  'contracts: format': ['buf', 'format', 'proto', '--diff', '--exit-code'],
  'contracts: nothing breaks those released': [
    'buf',
    'breaking',
    'proto',
    '--against',
    'proto/released.binpb',
  ],
};

const { positionals: files } = readOptions();
const dataDir = mkdtempSync(join(tmpdir(), 'ppuri-test-'));
const running: { stop(): Promise<void> }[] = [];
let exitCode = 1;
let command: ChildProcess | undefined;
let isStopping = false;
// npm does not forward SIGTERM; bootstrap.mjs notices that npm has ended, and forwards it.
onStopSignal(
  () => {
    isStopping = true;
    command?.kill('SIGTERM');
  },
  () => {
    killProcesses();
    process.exit(1);
  },
);
try {
  const checked = files.length > 0 || (await runChecks());
  const env = await startDependencies();
  exitCode = (await runTests(env)) && checked ? 0 : 1;
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error);
} finally {
  await Promise.all(running.map((dependency) => dependency.stop()));
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit(exitCode);

function readOptions() {
  try {
    return readCommandLine('usage: npm test [-- TEST_FILE …]', {});
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

async function runChecks(): Promise<boolean> {
  // One after the other, because linting the contracts needs files that generating prints.
  let good = true;
  for (const [name, [program = '', ...args]] of Object.entries(CHECKS)) {
    const code = await run(program, args, {});
    log(`${code === 0 ? '✔' : '✖'} ${name}`);
    good &&= code === 0;
  }
  return good;
}

async function startDependencies(): Promise<Record<string, string>> {
  const [postgresPort = 0, redisPort = 0] = await findFree(2);
  const logDir = join(dataDir, 'log');
  const [postgres, redis, envoy] = await Promise.all([
    startPostgres({ dataDir, logDir, port: postgresPort }).then(track),
    orUndefined('Redis', startRedis({ dataDir, logDir, port: redisPort, log }).then(track)),
    findEnvoy(log),
  ]);
  if ('reason' in envoy) reportMissing('Envoy', envoy.reason);
  const appPassword = loadSecret(join(dataDir, 'app.secret'));
  const workerPassword = loadSecret(join(dataDir, 'worker.secret'));
  const adminPassword = loadSecret(join(dataDir, 'admin.secret'));
  await migrate({
    ownerUrl: await postgres.createDatabase(TEMPLATE),
    appPassword,
    workerPassword,
    adminPassword,
  });
  return {
    TEST_OWNER_URL: postgres.ownerUrl,
    TEST_APP_PASSWORD: appPassword,
    TEST_WORKER_PASSWORD: workerPassword,
    TEST_ADMIN_PASSWORD: adminPassword,
    TEST_TEMPLATE: TEMPLATE,
    TEST_REDIS_URL: redis?.url ?? '',
    TEST_ENVOY: 'path' in envoy ? envoy.path : '',
    NODE_ENV: 'test',
  };
}

function track<Dependency extends Postgres | Redis>(dependency: Dependency): Dependency {
  running.push(dependency);
  return dependency;
}

/** Skips the tests of a dependency that cannot be installed, with a warning; with CI=true it is an error. */
function reportMissing(dependency: string, reason: string): void {
  if (process.env.CI === 'true') throw new SetupError(`${dependency} cannot be had: ${reason}`);
  log(`\n!!! ${dependency} cannot be had: ${reason}\n!!! The tests that need it are SKIPPED.\n`);
}

async function orUndefined<T>(dependency: string, starting: Promise<T>): Promise<T | undefined> {
  try {
    return await starting;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    reportMissing(dependency, error.message);
    return undefined;
  }
}

async function runTests(env: Record<string, string>): Promise<boolean> {
  const testFiles = files.length > 0 ? files : globSync('test/**/*.test.ts', { cwd: ROOT }).sort();
  // Most tests wait more than they compute: for a fault to end, a process to start, a time to come.
  const concurrency = `--test-concurrency=${2 * availableParallelism()}`;
  const bounds = ['--test-timeout=300000', '--import', './test/orphan-guard.ts'];
  return (await run('node', ['--test', concurrency, ...bounds, ...testFiles], env)) === 0;
}

function run(program: string, args: readonly string[], env: Record<string, string>): Promise<number> {
  if (isStopping) return Promise.resolve(1);
  return new Promise((done) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
    command = child;
    child.once('error', (error) => {
      log(error.message);
      done(1);
    });
    child.once('exit', (code) => done(code ?? 1));
  });
}
