// All that is measured, as processes of their own: Postgres, Redis, the server, the bare echo, and Envoy.
import { join } from 'node:path';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { loadDemoKey } from '../../scripts/dev/demo.ts';
import { signingKeyIn } from '../../scripts/dev/dev-info.ts';
import { prepareEnvoy } from '../../scripts/dev/envoy.ts';
import { randomSecret } from '../../scripts/dev/files.ts';
import { type ForkedProgram, forkProgram } from '../../scripts/dev/fork-program.ts';
import { loadKeyEncryptionKeys } from '../../scripts/dev/key-admin.ts';
import { findFree, HOST, type Ports } from '../../scripts/dev/ports.ts';
import { startPostgres } from '../../scripts/dev/postgres.ts';
import { startRedis } from '../../scripts/dev/redis.ts';
import { shareArchiveSecret } from '../../src/db/archive/secret.ts';
import { migrate } from '../../src/db/migrate.ts';
import { Database } from './database.ts';
import type { Workspace } from './workspace.ts';

/** Programs whose cost is counted, by their pids. */
export type Processes = Readonly<
  Record<'server' | 'postgres' | 'redis' | 'envoy' | 'echo', number | undefined>
>;

/** A running stack. */
export interface Stack {
  readonly database: Database;
  readonly grpcAddress: string;
  readonly echoAddress: string;
  /** Through Envoy; or why there is none. */
  readonly rest: { readonly url: string } | { readonly missing: string };
  readonly key: SigningKey | undefined;
  readonly processes: Processes;
  /** Where the server writes its CPU profile when it was asked to. */
  readonly profileDir: string;
  /** Starts one more server on the same data, for what has to be seen on a process that has done nothing else. */
  startAnother(): Promise<{ readonly server: ForkedProgram; readonly grpcAddress: string }>;
  /** Starts a worker on the same data, with more settings where it needs them; whoever asked for it stops it. */
  startWorker(more?: Record<string, string>): Promise<ForkedProgram>;
  /** Makes an empty archive; the URL by which a worker reaches it. */
  makeArchive(): Promise<string>;
}

/** How a stack is started. */
export interface StackOptions {
  readonly profile: boolean;
  /** Gets the migrated database before the server starts. */
  readonly seed: (database: Database) => Promise<void>;
  /** Gets each part as soon as it runs; whoever starts a stack stops them, the last one first. */
  readonly keep: <Resource extends { stop(): Promise<unknown> }>(resource: Resource) => Resource;
}

/** Starts everything. */
export async function startStack(place: Workspace, { keep, ...options }: StackOptions): Promise<Stack> {
  const { dataDir, logDir, ports } = place;
  const log = (line: string) => console.error(line);
  const postgres = keep(await startPostgres({ dataDir, logDir, port: ports.postgres }));
  const redis = keep(await startRedis({ dataDir, logDir, port: ports.redis, log }));
  const ownerUrl = await postgres.createDatabase('bench');
  await migrate({ ownerUrl, appPassword: 'bench', workerPassword: 'bench', adminPassword: 'bench' });
  const database = await Database.open(ownerUrl);
  keep({ stop: () => database.close() });
  await options.seed(database);
  const [echoPort = 0] = await findFree(1);
  const echo = keep(await startProgram('bench/env/echo-server.ts', { GRPC_PORT: String(echoPort) }));
  const edgeSecret = randomSecret();
  const profileDir = join(dataDir, 'profile');
  const profile = options.profile ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` } : {};
  const dependencies = { ownerUrl, redisUrl: redis.url, edgeSecret };
  const { server, key } = await startServer(place, ports, dependencies, profile);
  keep(server);
  const startAnother = async () => {
    const [grpc = 0, ops = 0] = await findFree(2);
    const another = await startServer(place, { grpc, ops }, dependencies, {});
    keep(another.server);
    return { server: another.server, grpcAddress: `${HOST}:${grpc}` };
  };
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
  const envoy = 'reason' in prepared ? undefined : keep(await prepared.start());
  return {
    database,
    key,
    profileDir,
    startAnother,
    startWorker: async (more = {}) => keep(await startWorker(place, dependencies, more)),
    makeArchive: async () => {
      const archiveUrl = await postgres.createDatabase('bench_archive');
      await migrate({
        ownerUrl: archiveUrl,
        appPassword: 'bench',
        workerPassword: 'bench',
        schema: 'archive',
      });
      await shareArchiveSecret(ownerUrl, archiveUrl);
      return loginOf(archiveUrl, 'ppuri_worker');
    },
    grpcAddress: `${HOST}:${ports.grpc}`,
    echoAddress: `${HOST}:${echoPort}`,
    rest: envoy ? { url: envoy.restUrl } : { missing: 'reason' in prepared ? prepared.reason : '' },
    processes: {
      server: server.pid,
      postgres: postgres.pid,
      redis: redis.pid,
      envoy: envoy?.pid,
      echo: echo.pid,
    },
  };
}

interface ServerDependencies {
  readonly ownerUrl: string;
  readonly redisUrl: string;
  readonly edgeSecret: string;
}

function startWorker(
  { logDir }: Workspace,
  { ownerUrl, redisUrl }: Pick<ServerDependencies, 'ownerUrl' | 'redisUrl'>,
  more: Record<string, string>,
): Promise<ForkedProgram> {
  return startProgram('src/worker/main.ts', {
    DATABASE_URL: loginOf(ownerUrl, 'ppuri_worker'),
    REDIS_URL: redisUrl,
    OPS_PORT: '0',
    LOG_DIR: logDir,
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
): Promise<{ server: ForkedProgram; key: SigningKey | undefined }> {
  const databaseUrl = loginOf(ownerUrl, 'ppuri_app');
  const keyEncryptionKeys = loadKeyEncryptionKeys(dataDir);
  const adminDatabaseUrl = loginOf(ownerUrl, 'ppuri_admin');
  const demoKey = await loadDemoKey(dataDir, { adminDatabaseUrl, redisUrl, keyEncryptionKeys });
  const server = await startProgram('src/server/main.ts', {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    GRPC_PORT: String(ports.grpc),
    OPS_PORT: String(ports.ops),
    LOG_DIR: logDir,
    LOG_STDOUT: 'none',
    EDGE_SECRET: edgeSecret,
    KEY_ENCRYPTION_KEYS: keyEncryptionKeys,
    // One machine and a thousand users ask for more than anybody may; what limits cost is measured all the same.
    KEY_RATE_PER_SECOND: '1000000',
    USER_RATE_PER_SECOND: '1000000',
    IP_RATE_PER_SECOND: '1000000',
    ...more,
  });
  return { server, key: signingKeyIn([demoKey], {}) };
}

/** As in production, and alike for the echo: both have room for the calls in flight. */
function startProgram(path: string, env: Record<string, string>): Promise<ForkedProgram> {
  return forkProgram(new URL(`../../${path}`, import.meta.url), env, ['--max-semi-space-size=64']);
}
