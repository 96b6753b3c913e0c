// Starts what the bench measures: PostgreSQL, Redis, the server, the bare echo and Envoy, each as a process.
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { signingKeyIn } from '../../scripts/cli/dev-info.ts';
import { loadKeyEncryptionKeys } from '../../scripts/cli/key-admin.ts';
import { loadDemoKey } from '../../scripts/dev/demo.ts';
import { type Envoy, prepareEnvoy } from '../../scripts/dev/envoy.ts';
import { randomSecret } from '../../scripts/dev/files.ts';
import { findFree, HOST, type Ports } from '../../scripts/dev/ports.ts';
import { type Postgres, startPostgres } from '../../scripts/dev/postgres.ts';
import { type ForkedProgram, forkProgram } from '../../scripts/dev/programs.ts';
import { startRedis } from '../../scripts/dev/redis.ts';
import { shareArchiveSecret } from '../../src/db/archive/index.ts';
import { migrate } from '../../src/db/migrate.ts';
import { Database } from './database.ts';
import type { Workspace } from './workspace.ts';

/** The pids of the programs whose CPU time is counted. */
export type Processes = Readonly<
  Record<'server' | 'postgres' | 'redis' | 'envoy' | 'echo' | 'archiver', number | undefined>
>;

/** A running stack. */
export interface Stack {
  readonly database: Database;
  readonly grpcAddress: string;
  readonly echoAddress: string;
  /** The URL of Envoy, or why there is no Envoy. */
  readonly rest: { readonly url: string } | { readonly missing: string };
  readonly key: SigningKey | undefined;
  readonly processes: Processes;
  /** The folder of the server's CPU profile, with --profile. */
  readonly profileDir: string;
  /**
   * Starts another server on the same data, with additional settings and flags of Node, to measure a process that has done
   * nothing else.
   */
  startAnother(
    more?: Record<string, string>,
    flags?: readonly string[],
  ): Promise<{ readonly server: ForkedProgram; readonly grpcAddress: string }>;
  /** Starts a worker on the same data, with additional settings; the caller stops it. */
  startWorker(more?: Record<string, string>): Promise<ForkedProgram>;
  /** Creates an empty archive database and returns a worker's URL of it. */
  createArchive(): Promise<string>;
}

/** How a stack is started. */
export interface StackOptions {
  readonly profile: boolean;
  /** Fills the migrated database before the server starts. */
  readonly seed: (database: Database) => Promise<void>;
  /** Gets each resource as soon as it runs. The caller stops them, the last one first, even if the start fails. */
  readonly own: <Resource extends { stop(): Promise<unknown> }>(resource: Resource) => Resource;
}

/** What docs/performance.md says of Postgres, besides what every one of ours has (scripts/dev/postgres.ts). */
const SETTINGS = {
  shared_buffers: `${Math.floor(totalmem() / 4 / 2 ** 20)}MB`,
  // Only the clock asks for checkpoints.
  max_wal_size: '16GB',
  // A case may switch archiving on; until then nothing is archived.
  archive_mode: 'on',
};

/** Starts everything. */
export async function startStack(workspace: Workspace, { own, ...options }: StackOptions): Promise<Stack> {
  const { dataDir, logDir, ports } = workspace;
  const log = (line: string) => console.error(line);
  const postgres = own(await startPostgres({ dataDir, logDir, port: ports.postgres, settings: SETTINGS }));
  const redis = own(await startRedis({ dataDir, logDir, port: ports.redis, log }));
  const ownerUrl = await postgres.createDatabase('bench');
  await migrate({ ownerUrl, appPassword: 'bench', workerPassword: 'bench', adminPassword: 'bench' });
  const database = await Database.open(ownerUrl);
  own({ stop: () => database.close() });
  await database.run('ALTER TABLE accounts SET (autovacuum_vacuum_scale_factor = 0.02)');
  await database.run(`ALTER SYSTEM SET archive_command = 'true'`);
  await database.run('SELECT pg_reload_conf()');
  await options.seed(database);
  const [echoPort = 0] = await findFree(1);
  const echo = own(await startProgram('bench/env/echo-server.ts', { GRPC_PORT: String(echoPort) }));
  const edgeSecret = randomSecret();
  const profileDir = join(dataDir, 'profile');
  const profile = options.profile ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` } : {};
  const dependencies = { ownerUrl, redisUrl: redis.url, edgeSecret };
  const { server, key } = await startServer(workspace, ports, dependencies, profile);
  own(server);
  const startAnother = async (more: Record<string, string> = {}, flags: readonly string[] = []) => {
    const [grpc = 0, ops = 0] = await findFree(2);
    const another = await startServer(workspace, { grpc, ops }, dependencies, { ...profile, ...more }, flags);
    own(another.server);
    return { server: another.server, grpcAddress: `${HOST}:${grpc}` };
  };
  const edge = await startEdge(workspace, edgeSecret, log);
  const envoy = 'reason' in edge ? undefined : own(edge);
  return {
    database,
    key,
    profileDir,
    startAnother,
    startWorker: async (more = {}) => own(await startWorker(workspace, dependencies, more)),
    createArchive: () => createArchive(postgres, ownerUrl),
    grpcAddress: `${HOST}:${ports.grpc}`,
    echoAddress: `${HOST}:${echoPort}`,
    rest: envoy ? { url: envoy.restUrl } : { missing: 'reason' in edge ? edge.reason : '' },
    processes: {
      server: server.pid,
      postgres: postgres.pid,
      redis: redis.pid,
      envoy: envoy?.pid,
      echo: echo.pid,
      archiver: undefined,
    },
  };
}

async function startEdge(
  { dataDir, logDir, ports }: Workspace,
  edgeSecret: string,
  log: (line: string) => void,
): Promise<Envoy | { readonly reason: string }> {
  const prepared = await prepareEnvoy(
    {
      dataDir,
      logDir,
      restPort: ports.rest,
      grpcEdgePort: ports.grpcEdge,
      adminPort: ports.envoyAdmin,
      serverPorts: [ports.grpc],
      edgeSecret,
      concurrency: 1,
      // All callers of a bench have the same address.
      settings: { addressRatePerSecond: 1_000_000 },
    },
    log,
  );
  return 'reason' in prepared ? prepared : prepared.start();
}

async function createArchive(postgres: Postgres, ownerUrl: string): Promise<string> {
  const archiveUrl = await postgres.createDatabase('bench_archive');
  await migrate({ ownerUrl: archiveUrl, appPassword: 'bench', workerPassword: 'bench', schema: 'archive' });
  await shareArchiveSecret(ownerUrl, archiveUrl);
  return loginOf(archiveUrl, 'ppuri_worker');
}

interface ServerDependencies {
  readonly ownerUrl: string;
  readonly redisUrl: string;
  readonly edgeSecret: string;
}

function startWorker(
  { dataDir, logDir }: Workspace,
  { ownerUrl, redisUrl }: Pick<ServerDependencies, 'ownerUrl' | 'redisUrl'>,
  more: Record<string, string>,
): Promise<ForkedProgram> {
  return startProgram('src/worker/main.ts', {
    DATABASE_URL: loginOf(ownerUrl, 'ppuri_worker'),
    REDIS_URL: redisUrl,
    OPS_PORT: '0',
    LOG_DIR: join(logDir, 'worker'),
    KEY_ENCRYPTION_KEYS: loadKeyEncryptionKeys(dataDir),
    LOG_STDOUT: 'none',
    ...more,
  });
}

function loginOf(ownerUrl: string, username: string): string {
  return Object.assign(new URL(ownerUrl), { username, password: 'bench' }).href;
}

async function startServer(
  { dataDir, logDir }: Workspace,
  ports: Pick<Ports, 'grpc' | 'ops'>,
  { ownerUrl, redisUrl, edgeSecret }: ServerDependencies,
  more: Record<string, string>,
  flags: readonly string[] = [],
): Promise<{ server: ForkedProgram; key: SigningKey | undefined }> {
  const databaseUrl = loginOf(ownerUrl, 'ppuri_app');
  const keyEncryptionKeys = loadKeyEncryptionKeys(dataDir);
  const adminDatabaseUrl = loginOf(ownerUrl, 'ppuri_admin');
  const redis = { url: redisUrl };
  const demoKey = await loadDemoKey(dataDir, { adminDatabaseUrl, redis, keyEncryptionKeys });
  const env = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    GRPC_PORT: String(ports.grpc),
    OPS_PORT: String(ports.ops),
    LOG_DIR: join(logDir, 'server'),
    LOG_STDOUT: 'none',
    EDGE_SECRET: edgeSecret,
    KEY_ENCRYPTION_KEYS: keyEncryptionKeys,
    // Limits are checked and counted as always, but never reached.
    KEY_RATE_PER_SECOND: '1000000',
    USER_RATE_PER_SECOND: '1000000',
    IP_RATE_PER_SECOND: '1000000',
    ...more,
  };
  const server = await startProgram('src/server/main.ts', env, flags);
  return { server, key: signingKeyIn([demoKey]) };
}

/** With V8's settings of production, for the echo too, where no flag says otherwise. */
function startProgram(
  path: string,
  env: Record<string, string>,
  flags: readonly string[] = [],
): Promise<ForkedProgram> {
  return forkProgram(new URL(`../../${path}`, import.meta.url), env, ['--max-semi-space-size=64', ...flags]);
}
