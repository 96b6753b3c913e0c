// Throw-away nodes for drills: Postgres that archives its WAL, Redis, a server and the edge, all in one folder.
import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../../../clients/typescript/src/connection.ts';
import { randomSecret, writeSecret } from '../../dev/files.ts';
import { findFreePorts } from '../../dev/ports.ts';
import { startPostgres } from '../../dev/postgres.ts';
import { type Server, startServer } from '../../dev/programs.ts';
import { startRedis } from '../../dev/redis.ts';
import type { DrillOptions } from './drill.ts';
import { prepareLedger, serverEnv, startCallers } from './front.ts';

/** The nodes, running. Disposing ends them all. */
export interface DrillNodes extends AsyncDisposable {
  /** The ledger as the owner of everything. */
  readonly ownerUrl: string;
  readonly keyEncryptionKeys: string;
  /** Connections of callers: to the edge where there is one, and to the server. */
  readonly callers: readonly Connection[];
  /** The data folder of Postgres. */
  readonly cluster: string;
  readonly logDir: string;
  startServer(): Promise<void>;
  /** Lets calls under way end, and stops it. */
  stopServer(): Promise<void>;
  startPostgres(): Promise<void>;
  /** Shuts it down as an operator does; it archives the rest of its WAL. */
  stopPostgres(): Promise<void>;
  /** Puts another data folder in the place of the present one, which is gone. */
  replaceCluster(by: string): void;
}

/** How Postgres archives: the values of its variables, and the settings. */
export interface Archiving {
  /** Written into a file that only its owner reads; archive_command gets its path. */
  readonly env: Readonly<Record<string, string>>;
}

const ARCHIVE_WAL = new URL('../../archive-wal.ts', import.meta.url).pathname;
const SERVER_OUTPUT_IGNORED = () => {};

/** Starts them with the demo users and a key. */
export async function startDrillNodes(
  { folder, log }: DrillOptions,
  archiving: Archiving,
): Promise<DrillNodes> {
  await using stack = new AsyncDisposableStack();
  const ports = await findFreePorts();
  const logDir = join(folder, 'log');
  mkdirSync(logDir, { recursive: true });
  // Postgres may run as another user.
  chmodSync(folder, 0o755);
  const envFile = join(folder, 'backup.env');
  writeSecret(
    envFile,
    Object.entries(archiving.env)
      .map(([name, value]) => `${name}="${value}"\n`)
      .join(''),
  );
  const settings = {
    archive_mode: 'on',
    archive_command: `${process.execPath} --env-file=${envFile} ${ARCHIVE_WAL} %p`,
    summarize_wal: 'on',
  };
  let postgres = await startPostgres({ dataDir: folder, logDir, port: ports.postgres, settings });
  stack.defer(() => postgres.stop());
  const redis = await startRedis({ dataDir: folder, logDir, port: ports.redis, log });
  stack.defer(() => redis.stop());
  const ownerUrl = await postgres.createDatabase('ppuri');
  const ledger = await prepareLedger(folder, ownerUrl, redis.url);
  const edgeSecret = randomSecret();
  const env = { ...ledger.env, ...serverEnv(ports, logDir), EDGE_SECRET: edgeSecret };
  let server: Server | undefined;
  stack.defer(async () => server?.stop());
  const start = async () => {
    server = await startServer({ dataDir: folder, env, onOutput: SERVER_OUTPUT_IGNORED });
  };
  await start();
  const callers = await startCallers(stack, {
    ...{ folder, logDir, ports, serverPorts: [ports.grpc], edgeSecret, key: ledger.key, log },
  });
  const owned = stack.move();
  return {
    ownerUrl,
    keyEncryptionKeys: ledger.keyEncryptionKeys,
    callers,
    cluster: join(folder, 'postgres'),
    logDir,
    startServer: start,
    stopServer: async () => server?.stop(),
    startPostgres: async () => {
      postgres = await startPostgres({ dataDir: folder, logDir, port: ports.postgres, settings });
    },
    stopPostgres: () => postgres.stop(),
    replaceCluster: (by) => {
      rmSync(join(folder, 'postgres'), { recursive: true });
      renameSync(by, join(folder, 'postgres'));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
