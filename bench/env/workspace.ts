// The data folder and the ports of a run, which nobody else may use.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SetupError } from '../../scripts/cli/program.ts';
import { tryLock } from '../../scripts/dev/files.ts';
import { findFreePorts, type Ports } from '../../scripts/dev/ports.ts';

/** A data folder and ports that only this run uses. */
export interface Workspace {
  readonly dataDir: string;
  readonly logDir: string;
  readonly ports: Ports;
  /** Releases the folder, and deletes it if it was created for this run. */
  release(): void;
}

/** A file that marks a folder of the bench, which empties only folders that have it. */
const MARK = 'bench.mark';

/**
 * Acquires this data folder, which decides which disk is measured, or a new one in the system's temporary folder, and free
 * ports. Throws a SetupError when the folder is in use.
 */
export async function acquireWorkspace(requested: string | undefined): Promise<Workspace> {
  const folder = acquireFolder(requested);
  try {
    return { ...folder, logDir: join(folder.dataDir, 'log'), ports: await findFreePorts() };
  } catch (error) {
    folder.release();
    throw error;
  }
}

function acquireFolder(requested: string | undefined): Pick<Workspace, 'dataDir' | 'release'> {
  if (!requested) {
    const dataDir = mkdtempSync(join(tmpdir(), 'ppuri-bench-'));
    return { dataDir, release: () => rmSync(dataDir, { recursive: true, force: true }) };
  }
  const dataDir = resolve(requested);
  const lockFile = join('run', 'start.lock');
  mkdirSync(dataDir, { recursive: true });
  const isMarked = existsSync(join(dataDir, MARK));
  const isEmpty = readdirSync(dataDir).length === 0;
  // It is the lock of npm start, so that neither runs on the data of the other.
  const lock = tryLock(join(dataDir, lockFile));
  if ('heldBy' in lock) {
    throw new SetupError(
      `the data folder ${requested} is in use by process ${lock.heldBy}; stop it, or set BENCH_DATA_DIR to another folder`,
    );
  }
  if (!isMarked && !isEmpty) {
    lock.unlock();
    throw new SetupError(
      `the data folder ${requested} holds something that is not the bench's; set BENCH_DATA_DIR to an empty folder`,
    );
  }
  for (const name of readdirSync(dataDir))
    if (name !== 'run') rmSync(join(dataDir, name), { recursive: true });
  writeFileSync(join(dataDir, MARK), 'The bench empties this folder at its start.\n');
  return { dataDir, release: lock.unlock };
}
