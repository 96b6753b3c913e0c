// All that is measured, as processes of their own: Postgres, Redis, the server, the bare echo, and Envoy.
import { join } from 'node:path';
import { keepDemoKey } from '../../scripts/dev/demo-key.ts';
import { prepareEnvoy } from '../../scripts/dev/envoy.ts';
import { keepKeyEncryptionKeys } from '../../scripts/dev/key-office.ts';
import { findFree, HOST } from '../../scripts/dev/ports.ts';
import { startPostgres } from '../../scripts/dev/postgres.ts';
import { startRedis } from '../../scripts/dev/redis.ts';
import { randomSecret } from '../../scripts/dev/secret-file.ts';
import { signingKeyIn } from '../../scripts/dev/signing-key.ts';
import { migrate } from '../../src/db/migrate.ts';
import type { SigningKey } from '../../src/signatures/index.ts';
import { type Child, startChild } from './child.ts';
import { Database } from './database.ts';
import type { Place } from './place.ts';

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
  stop(): Promise<void>;
}

/** Starts everything; `fillFirst` gets the migrated database before the server starts. */
export async function startStack(
  place: Place,
  options: { readonly profile: boolean; readonly fillFirst: (database: Database) => Promise<void> },
): Promise<Stack> {
  const { dataDir, logDir, ports } = place;
  const say = (line: string) => console.error(line);
  const running: { stop(): Promise<unknown> }[] = [];
  const keep = <Part extends { stop(): Promise<unknown> }>(part: Part): Part => {
    running.push(part);
    return part;
  };
  const stop = async () => {
    for (const part of running.splice(0).reverse()) await part.stop();
  };
  try {
    const postgres = keep(await startPostgres({ dataDir, logDir, port: ports.postgres }));
    const redis = keep(await startRedis({ dataDir, logDir, port: ports.redis, say }));
    const ownerUrl = await postgres.createDatabase('bench');
    await migrate({ ownerUrl, appPassword: 'bench' });
    const database = await Database.open(ownerUrl);
    keep({ stop: () => database.close() });
    await options.fillFirst(database);
    const [echoPort = 0] = await findFree(1);
    const echo = keep(await startChild('bench/parts/echo-server.ts', { GRPC_PORT: String(echoPort) }));
    const edgeSecret = randomSecret();
    const profileDir = join(dataDir, 'profile');
    const profile = options.profile ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` } : {};
    const { server, key } = await startServer(place, { ownerUrl, redisUrl: redis.url, edgeSecret, profile });
    keep(server);
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
      },
      say,
    );
    const envoy = 'reason' in prepared ? undefined : keep(await prepared.start());
    return {
      database,
      key,
      profileDir,
      stop,
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
  } catch (error) {
    await stop();
    throw error;
  }
}

interface ServerPlace {
  readonly ownerUrl: string;
  readonly redisUrl: string;
  readonly edgeSecret: string;
  readonly profile: Record<string, string>;
}

async function startServer(
  { dataDir, logDir, ports }: Place,
  { ownerUrl, redisUrl, edgeSecret, profile }: ServerPlace,
): Promise<{ server: Child; key: SigningKey | undefined }> {
  const databaseUrl = Object.assign(new URL(ownerUrl), { username: 'ppuri_app', password: 'bench' }).href;
  const keyEncryptionKeys = keepKeyEncryptionKeys(dataDir);
  const demoKey = await keepDemoKey(dataDir, { databaseUrl, redisUrl, keyEncryptionKeys });
  const server = await startChild('src/main.ts', {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    GRPC_PORT: String(ports.grpc),
    OPS_PORT: String(ports.ops),
    LOG_DIR: logDir,
    LOG_STDOUT: 'false',
    EDGE_SECRET: edgeSecret,
    KEY_ENCRYPTION_KEYS: keyEncryptionKeys,
    // One machine and a thousand users ask for more than anybody may; what limits cost is measured all the same.
    KEY_RATE_PER_SECOND: '1000000',
    USER_RATE_PER_SECOND: '1000000',
    IP_RATE_PER_SECOND: '1000000',
    ...profile,
  });
  return { server, key: signingKeyIn([demoKey], {}) };
}
