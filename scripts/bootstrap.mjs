// Runs a TypeScript program of this repository, from a fresh clone and with any Node from version 20 on.
//
//   node scripts/bootstrap.mjs scripts/start.ts [arguments]
//
// It installs the packages of package-lock.json if they are missing or out of date, and runs the program with the Node of
// node_modules, which runs TypeScript directly. It is JavaScript, because it runs before that Node is installed.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODULES = join(ROOT, 'node_modules');
const BIN = join(MODULES, '.bin');
const LOCK = join(ROOT, '.cache', 'install.lock');
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const LOCK_POLL_MS = 200;
const PARENT_POLL_MS = 1000;

const [program, ...args] = process.argv.slice(2);
if (!program) fail('usage: node scripts/bootstrap.mjs PROGRAM.ts [arguments]');
if (!isInstalled()) await install();
run();

/** Prints a line and exits with 1. */
function fail(line) {
  console.error(line);
  process.exit(1);
}

/** The packages of a lock file by where they are installed. */
function packagesOf(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}

/** Whether node_modules has the packages of package-lock.json; npm records an install in .package-lock.json at its end. */
function isInstalled() {
  try {
    const locked = packagesOf(join(ROOT, 'package-lock.json'));
    const installed = packagesOf(join(MODULES, '.package-lock.json'));
    accessSync(join(BIN, 'node'));
    const same = (path) =>
      installed[path]?.version === locked[path]?.version &&
      installed[path]?.integrity === locked[path]?.integrity;
    // Optional packages are for other platforms: they may be missing, but not have another version.
    return (
      Object.keys(installed).every(same) &&
      Object.keys(locked).every((path) => path === '' || locked[path].optional || path in installed)
    );
  } catch {
    return false;
  }
}

/** Installs, in one process at a time. */
async function install() {
  await lock();
  let failure;
  try {
    if (!isInstalled()) runNpm();
  } catch (error) {
    failure = error;
  }
  rmSync(LOCK, { force: true });
  if (failure) fail(failure.message);
}

/**
 * npm ci installs exactly the lock file, verified by its hashes. It empties node_modules first, so it runs only when
 * node_modules differs from the lock file.
 */
function runNpm() {
  console.error('Installing the packages of package-lock.json (npm ci), this takes a moment …');
  const { status, error, stdout, stderr } = spawnSync(
    'npm',
    ['ci', '--include=dev', '--include=optional', '--no-fund', '--no-audit'],
    {
      cwd: ROOT,
      encoding: 'utf8',
      // The programs need the development packages, even with NODE_ENV=production.
      env: { ...process.env, NODE_ENV: 'development' },
    },
  );
  if (error) throw new Error(`npm cannot be run: ${error.message}`);
  if (status !== 0) throw new Error(`${stdout}${stderr}npm ci failed`);
  if (!isInstalled())
    throw new Error('npm ci has run, but node_modules is not what package-lock.json asks for');
}

/** Acquires the lock file. Linking creates it with its owner's pid, so that the lock of a dead owner is recognized. */
async function lock() {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const mine = `${LOCK}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    for (;;) {
      try {
        linkSync(mine, LOCK);
        return;
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      if (!ownerLives()) rmSync(LOCK, { force: true });
      await new Promise((next) => setTimeout(next, LOCK_POLL_MS));
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function ownerLives() {
  try {
    process.kill(Number(readFileSync(LOCK, 'utf8')), 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

/**
 * Runs the program with the output, the signals and the exit code of this process. With the compile cache of Node,
 * programs start in half the time, and a run of all tests starts hundreds.
 */
function run() {
  // The program notices by the IPC channel when this process ends, even by kill -9, and ends itself.
  const child = spawn(join(BIN, 'node'), [resolve(program), ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: {
      NODE_COMPILE_CACHE: join(ROOT, '.cache', 'compile'),
      ...process.env,
      PATH: `${BIN}${delimiter}${process.env.PATH ?? ''}`,
    },
  });
  child.on('error', (error) => fail(`node_modules/.bin/node cannot be run: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal) for (const name of SIGNALS) process.removeAllListeners(name);
    if (signal) process.kill(process.pid, signal);
    else process.exit(code ?? 1);
  });
  forwardSignals(child);
  if (process.env.npm_lifecycle_event) endWithParent(child);
}

/**
 * Forwards signals. The terminal sends Ctrl-C to the program, too, and npm forwards it once more, so a program that reacts
 * to a second Ctrl-C must count those within half a second as one.
 */
function forwardSignals(child) {
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
}

/** When npm is killed by kill -9, this process or the shell between them gets another parent. */
function endWithParent(child) {
  const parents = parentsUpToNpm();
  const poll = setInterval(() => {
    if (parentsUpToNpm() === parents) return;
    clearInterval(poll);
    child.kill('SIGTERM');
  }, PARENT_POLL_MS);
  poll.unref();
}

/** The pid of the parent and, where that is the shell in which npm runs its scripts, of npm. */
function parentsUpToNpm() {
  const parent = process.ppid;
  try {
    const isShell = readFileSync(`/proc/${parent}/cmdline`, 'utf8').split('\0')[1] === '-c';
    const stat = readFileSync(`/proc/${parent}/stat`, 'utf8');
    // After the name in parentheses come the state and the parent.
    return isShell ? `${parent} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}` : String(parent);
  } catch {
    return String(parent);
  }
}
