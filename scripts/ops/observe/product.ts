// The ppuri that is observed: the `npm start` that runs on the data folder, or one that is started here.
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DevInfo, nameOfDataDir, readDevInfo, startLockOf } from '../../cli/dev-info.ts';
import { SetupError } from '../../cli/program.ts';
import { readPidFile } from '../../dev/processes.ts';

/** A running ppuri. */
export interface Product {
  readonly info: DevInfo;
  readonly dataDir: string;
  readonly isOurs: boolean;
  /** Resolves when it has ended, with the reason as text. */
  readonly ended: Promise<string>;
}

const START_PROGRAM = resolve(import.meta.dirname, '../../start.ts');
/** The first start installs Envoy and Redis. */
const READY_TIMEOUT_MS = 300_000;
const POLL_MS = 200;
/** Above what `npm start` takes to stop its programs one after the other. */
const STOP_GRACE_MS = 30_000;
/** How much of the output a SetupError shows, in characters. */
const OUTPUT_TAIL = 2_000;

/** Whether an `npm start` runs on the data folder. */
export function runs(dataDir: string): boolean {
  return readPidFile(startLockOf(dataDir)) !== undefined;
}

/** The running `npm start`; waits for one that is starting. */
export async function findProduct(dataDir: string): Promise<Product> {
  const ended = whenGone(dataDir);
  return { info: await waitForInfo(dataDir, ended), dataDir, isOurs: false, ended };
}

/**
 * Starts `npm start` with these variables on top of the environment; `owner` stops it, also while it starts. It ends with
 * this process, however that ends.
 */
export async function startProduct(
  owner: AsyncDisposableStack,
  dataDir: string,
  env: NodeJS.ProcessEnv,
): Promise<Product> {
  const child = spawn(process.execPath, [START_PROGRAM], {
    // It stops when the channel of `ipc` closes, even by kill -9 of this process. A group of its own keeps Ctrl-C from it.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
    env: { ...process.env, ...env },
  });
  const tail = tailOf(child);
  const ended = new Promise<string>((done) => {
    child.once('error', (error) => done(error.message));
    child.once('exit', () => done(`npm start has ended:\n${tail()}`));
  });
  owner.defer(async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    await ended;
    clearTimeout(timer);
  });
  return { info: await waitForInfo(dataDir, ended), dataDir, isOurs: true, ended };
}

/** Waits for dev.json, which is written when everything serves. */
async function waitForInfo(dataDir: string, ended: Promise<string>): Promise<DevInfo> {
  let reason: string | undefined;
  void ended.then((how) => {
    reason = how;
  });
  for (const giveUpAt = Date.now() + READY_TIMEOUT_MS; Date.now() < giveUpAt; await sleep(POLL_MS)) {
    if (reason !== undefined) throw new SetupError(reason);
    if (!runs(dataDir)) continue;
    try {
      return readDevInfo(dataDir);
    } catch {
      // It is starting.
    }
  }
  throw new SetupError(`npm start was not ready within ${READY_TIMEOUT_MS / 1000} s`);
}

async function whenGone(dataDir: string): Promise<string> {
  while (runs(dataDir)) await sleep(POLL_MS, undefined, { ref: false });
  return `the npm start on the data folder ${nameOfDataDir(dataDir)} has ended`;
}

function tailOf(child: ChildProcess): () => string {
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString()).slice(-OUTPUT_TAIL);
    });
  }
  return () => tail.trim();
}
