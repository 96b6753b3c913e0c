// `npm test`: all checks and tests, with real PostgreSQL, Redis and Envoy on free ports in a temporary folder.
//
//   npm test                        all checks and all tests
//   npm test -- test/race/*.ts      only these tests
//   npm run test:ops                the tests that install what they run (test/ops): tools of operations, clients in other languages
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { migrate } from '../src/db/migrate.ts';
import { onStopSignal, readCommandLine, SetupError } from './cli/program.ts';
import { readSettings, TEST_VARIABLES } from './cli/variables.ts';
import { findEnvoy } from './dev/envoy.ts';
import { loadSecret } from './dev/files.ts';
import { findFree } from './dev/ports.ts';
import { type Postgres, startPostgres } from './dev/postgres.ts';
import { killProcesses } from './dev/processes.ts';
import { type Redis, startRedis } from './dev/redis.ts';
import { planTests, writeProcesses } from './dev/test-plan.ts';

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

/**
 * A database is copied for each test file, and compressing the WAL of that costs a sixth of it. Two thousand sessions log in,
 * and hashing a password 4,096 times costs each of their clients a millisecond.
 */
const POSTGRES = { wal_compression: 'off', scram_iterations: '1' };

/** How long a test may take that does not say so itself, in milliseconds. */
const TEST_TIMEOUT_MS = 300_000;

/** What nearly all test files and their processes load. */
const LOADED_OFTEN = ['test/stack.ts', 'src/worker/compose.ts'];

const { positionals: files, values } = readOptions();
const { ci } = readSettings(TEST_VARIABLES);
const dataDir = mkdtempSync(join(tmpdir(), 'ppuri-test-'));
// Hundreds of processes load the same thousand modules. Compiled once, they cost each half a CPU second less.
const compileCache = { NODE_COMPILE_CACHE: join(dataDir, 'compiled') };
const running: { stop(): Promise<void> }[] = [];
let exitCode = 1;
const commands = new Set<ChildProcess>();
let isStopping = false;
// npm does not forward SIGTERM; bootstrap.mjs notices that npm has ended, and forwards it.
onStopSignal(
  () => {
    isStopping = true;
    for (const command of commands) command.kill('SIGTERM');
  },
  () => {
    killProcesses();
    process.exit(1);
  },
);
try {
  const isShort = files.length > 0 || values.ops;
  // Starting the dependencies mostly waits: for a download, for a disk.
  const [checked, env] = await Promise.all([isShort || runChecks(), startDependencies()]);
  exitCode = (await runTests(env)) && checked ? 0 : 1;
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error);
} finally {
  for (const command of commands) command.kill('SIGTERM');
  await Promise.all(running.map((dependency) => dependency.stop()));
  // A process that was killed with its test may still write what it compiled.
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 });
}
process.exit(exitCode);

function readOptions() {
  try {
    return readCommandLine('usage: npm test [-- TEST_FILE …] or npm run test:ops [-- TEST_FILE …]', {
      ops: { type: 'boolean', default: false },
    });
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
    startPostgres({ dataDir, logDir, port: postgresPort, settings: POSTGRES }).then(track),
    orUndefined('Redis', startRedis({ dataDir, logDir, port: redisPort, log }).then(track)),
    findEnvoy(log),
    files.length === 0 && compileOnce(),
  ]);
  if ('reason' in envoy) reportMissing('Envoy', envoy.reason);
  const appPassword = loadSecret(join(dataDir, 'app.secret'));
  const workerPassword = loadSecret(join(dataDir, 'worker.secret'));
  const adminPassword = loadSecret(join(dataDir, 'admin.secret'));
  const plainOwner = await createPlainOwner(postgres.ownerUrl);
  await postgres.createDatabase(TEMPLATE, plainOwner.username);
  await migrate({
    ownerUrl: Object.assign(new URL(postgres.ownerUrl), { pathname: `/${TEMPLATE}`, ...plainOwner }).href,
    appPassword,
    workerPassword,
    adminPassword,
  });
  return {
    TEST_OWNER_URL: postgres.ownerUrl,
    TEST_PLAIN_OWNER: plainOwner.username,
    TEST_PLAIN_OWNER_PASSWORD: plainOwner.password,
    TEST_APP_PASSWORD: appPassword,
    TEST_WORKER_PASSWORD: workerPassword,
    TEST_ADMIN_PASSWORD: adminPassword,
    TEST_TEMPLATE: TEMPLATE,
    TEST_REDIS_URL: redis?.url ?? '',
    TEST_ENVOY: 'path' in envoy ? envoy.path : '',
    NODE_ENV: 'test',
    ...compileCache,
  };
}

/**
 * Databases are migrated and owned by a login that is no superuser, as with a Postgres that a cloud runs: what functions do
 * with their owner's rights is done with these.
 */
async function createPlainOwner(superuserUrl: string): Promise<{ username: string; password: string }> {
  const [username, password] = ['ppuri_plain_owner', loadSecret(join(dataDir, 'plain-owner.secret'))];
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  await client
    .query(`CREATE ROLE ${username} LOGIN CREATEROLE PASSWORD ${client.escapeLiteral(password)}`)
    .finally(() => client.end());
  return { username, password };
}

/** Fills the compile cache, which the dozen processes that start first would otherwise all do. */
function compileOnce(): Promise<number> {
  const imports = LOADED_OFTEN.map((file) => `import ${JSON.stringify(join(ROOT, file))};`);
  return run('node', ['--input-type=module', '--eval', imports.join('')], compileCache);
}

function track<Dependency extends Postgres | Redis>(dependency: Dependency): Dependency {
  running.push(dependency);
  return dependency;
}

/** Skips the tests of a dependency that cannot be installed, with a warning; with CI=true it is an error. */
function reportMissing(dependency: string, reason: string): void {
  if (ci === 'true') throw new SetupError(`${dependency} cannot be had: ${reason}`);
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
  // Files that are named run in a process each.
  const testFiles =
    files.length > 0 ? files : writeProcesses(planTests(values.ops), join(dataDir, 'processes'));
  // Most tests wait more than they compute: for a fault to end, a process to start, a time to come. Three processes keep a
  // core busy.
  // Those of operations start clusters and stores that need much memory.
  const concurrency = `--test-concurrency=${values.ops ? 2 : 3 * availableParallelism()}`;
  const bounds = [`--test-timeout=${TEST_TIMEOUT_MS}`, '--import', './test/orphan-guard.ts'];
  return (await run('node', ['--test', concurrency, ...bounds, ...testFiles], env)) === 0;
}

function run(program: string, args: readonly string[], env: Record<string, string>): Promise<number> {
  if (isStopping) return Promise.resolve(1);
  return new Promise((done) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
    commands.add(child);
    const end = (code: number | null) => {
      commands.delete(child);
      done(code ?? 1);
    };
    child.once('error', (error) => {
      log(error.message);
      end(1);
    });
    child.once('exit', end);
  });
}
