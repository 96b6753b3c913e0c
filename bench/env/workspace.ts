// Where a run of the bench lives: its data folder and its ports. Neither may be in use.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { tryLock } from '../../scripts/dev/files.ts';
import { findFreePorts, type Ports, readPorts, requireFreePorts } from '../../scripts/dev/ports.ts';
import { SetupError } from '../../scripts/dev/program.ts';

/** A folder and ports that are this run's alone. */
export interface Workspace {
  readonly dataDir: string;
  readonly logDir: string;
  readonly ports: Ports;
  /** Gives the folder back; one that was made for this run goes. */
  leave(): void;
}

/** Says that a folder is the bench's, so that no other's is ever taken for it and emptied. */
const MARK = 'bench.mark';
const VARIABLES = {
  rest: 'REST_PORT',
  grpc: 'GRPC_PORT',
  grpcEdge: 'GRPC_EDGE_PORT',
  adminGrpc: 'ADMIN_GRPC_PORT',
  ops: 'OPS_PORT',
  workerOps: 'WORKER_OPS_PORT',
  adminOps: 'ADMIN_OPS_PORT',
  envoyAdmin: 'ENVOY_ADMIN_PORT',
  postgres: 'POSTGRES_PORT',
  redis: 'REDIS_PORT',
} as const satisfies Record<keyof Ports, string>;

/**
 * Takes the data folder that DATA_DIR names (which disk is measured is decided there) or a new one in the system's
 * folder for such things, and the ports that the environment names or free ones. Throws a SetupError when the folder or
 * a port is in use.
 */
export async function acquireWorkspace(env: NodeJS.ProcessEnv): Promise<Workspace> {
  const folder = takeFolder(env.DATA_DIR);
  try {
    const free = await findFreePorts();
    const wishes = Object.entries(VARIABLES).map(([name, variable]) => [
      variable,
      env[variable] || String(free[name as keyof Ports]),
    ]);
    const ports = readPorts(Object.fromEntries(wishes));
    await requireFreePorts(ports);
    return { ...folder, logDir: join(folder.dataDir, 'log'), ports };
  } catch (error) {
    folder.leave();
    throw error;
  }
}

function takeFolder(wish: string | undefined): Pick<Workspace, 'dataDir' | 'leave'> {
  if (!wish) {
    const dataDir = mkdtempSync(join(tmpdir(), 'ppuri-bench-'));
    return { dataDir, leave: () => rmSync(dataDir, { recursive: true, force: true }) };
  }
  const dataDir = resolve(wish);
  const lockFile = join('run', 'start.lock');
  mkdirSync(dataDir, { recursive: true });
  const isOurs = existsSync(join(dataDir, MARK));
  const isEmpty = readdirSync(dataDir).length === 0;
  // The lock is the one that npm start takes, so that neither runs on the other's data.
  const lock = tryLock(join(dataDir, lockFile));
  if ('heldBy' in lock) {
    throw new SetupError(
      `the data folder ${wish} is in use by process ${lock.heldBy}; stop it, or set DATA_DIR to another folder`,
    );
  }
  if (!isOurs && !isEmpty) {
    lock.unlock();
    throw new SetupError(
      `the data folder ${wish} holds something that is not the bench's; set DATA_DIR to an empty folder`,
    );
  }
  for (const name of readdirSync(dataDir))
    if (name !== 'run') rmSync(join(dataDir, name), { recursive: true });
  writeFileSync(join(dataDir, MARK), 'The bench empties this folder at its start.\n');
  return { dataDir, leave: lock.unlock };
}
