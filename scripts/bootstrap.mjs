// Runs a TypeScript program of this repository from a fresh clone, with nothing there but the Node that came along.
//
//   node scripts/bootstrap.mjs scripts/start.ts [arguments]
//
// It installs what package-lock.json asks for where that is missing or out of date, then hands over to the Node of
// node_modules, which runs TypeScript as it stands. Plain JavaScript, because it must run before any of that is there.
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

/** Says one line and gives up. */
function fail(line) {
  console.error(line);
  process.exit(1);
}

/** The packages of a lock file by where they are installed. */
function packagesOf(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}

/** Whether node_modules holds what package-lock.json asks for; npm notes at the end of an install what it put there. */
function isInstalled() {
  try {
    const wanted = packagesOf(join(ROOT, 'package-lock.json'));
    const present = packagesOf(join(MODULES, '.package-lock.json'));
    accessSync(join(BIN, 'node'));
    const same = (path) =>
      present[path]?.version === wanted[path]?.version &&
      present[path]?.integrity === wanted[path]?.integrity;
    // Optional packages are for other platforms, so they may be missing, but not be of another version.
    return (
      Object.keys(present).every(same) &&
      Object.keys(wanted).every((path) => path === '' || wanted[path].optional || path in present)
    );
  } catch {
    return false;
  }
}

/** Installs, one process at a time: two at once would write under each other's feet. */
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
 * npm ci takes what the lock file says, by its hashes, or nothing. It empties node_modules first, so it runs only where
 * node_modules is not what the lock file asks for.
 */
function runNpm() {
  console.error('Installing the packages of package-lock.json (npm ci), this takes a moment …');
  const { status, error, stdout, stderr } = spawnSync(
    'npm',
    ['ci', '--include=dev', '--include=optional', '--no-fund', '--no-audit'],
    {
      cwd: ROOT,
      encoding: 'utf8',
      // The programs here need the development packages, whatever NODE_ENV says.
      env: { ...process.env, NODE_ENV: 'development' },
    },
  );
  if (error) throw new Error(`npm cannot be run: ${error.message}`);
  if (status !== 0) throw new Error(`${stdout}${stderr}npm ci failed`);
  if (!isInstalled())
    throw new Error('npm ci has run, but node_modules is not what package-lock.json asks for');
}

/** Takes the lock file. It appears with its owner's pid in it at once, so that a dead owner's lock can be told. */
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
 * Runs the program in our place: its output, its signals, its exit code. Programs start in half the time when Node keeps
 * what it compiled, and a run of all tests starts hundreds.
 */
function run() {
  // The program hears through the channel when this process is gone, even by kill -9, and can end itself.
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
 * A signal to this process alone must reach the program. Ctrl-C reaches the program by itself already, and npm passes
 * it on once more, so a program for which the second one means something has to take those within a moment as one.
 */
function forwardSignals(child) {
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
}

/** npm that dies by kill -9 tells nobody; its child sees another parent. */
function endWithParent(child) {
  const parent = process.ppid;
  const poll = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(poll);
    child.kill('SIGTERM');
  }, PARENT_POLL_MS);
  poll.unref();
}
