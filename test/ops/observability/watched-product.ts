// A whole ppuri of a test's own, with a replica, two servers, a worker and an edge, and the tools that watch it.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SigningKey } from '../../../clients/typescript/src/signature.ts';
import type { Envoy } from '../../../scripts/dev/envoy.ts';
import { findFree } from '../../../scripts/dev/ports.ts';
import {
  startNodeExporter,
  startPostgresExporter,
  startRedisExporter,
} from '../../../scripts/ops/parts/exporters.ts';
import { type ApiClient, grpcClient } from '../../api-client.ts';
import { type OwnReplica, startOwnReplica } from '../../db/own-replica.ts';
import { startTestEdge } from '../../edge.ts';
import { makeKey } from '../../keys.ts';
import {
  type ServerProcess,
  startServerProcess,
  startWorkerProcess,
  type WorkerProcess,
  workerEnv,
} from '../../processes.ts';
import { type OwnRedis, startOwnRedis } from '../../redis/own-redis.ts';
import { peopleOf, serverEnv, type TestDatabase } from '../../stack.ts';
import { type FastAlerts, startFastAlerts, targetAt } from './fast-alerts.ts';

/** How long the shares of a sprinkle can be claimed, in milliseconds. */
export const SPRINKLE_MS = 2_000;
/** How late a replica may be without an alert, in the place of the deployed 30 s. */
export const REPLICA_LIMIT_S = 2;
/** How late a checkpoint may be without an alert, in the place of the deployed 300 s: one comes every 10 s. */
const CHECKPOINT_LIMIT_S = 20;

/** Everything that runs. */
export interface WatchedProduct extends FastAlerts, AsyncDisposable {
  readonly replica: OwnReplica;
  readonly redis: OwnRedis;
  /** The first writes its logs to `logDir`. */
  readonly servers: readonly [ServerProcess, ServerProcess];
  readonly logDir: string;
  readonly edge: Envoy;
  readonly client: ApiClient;
  readonly key: SigningKey;
  readonly people: ReturnType<typeof peopleOf>;
  stopWorker(): Promise<void>;
  startWorker(): Promise<void>;
}

/** Starts it; `prepareLogDir` gets the folder of the first server's logs before the server does, and who undoes it. */
export async function startWatchedProduct(
  prepareLogDir: (folder: string, owner: AsyncDisposableStack) => void,
): Promise<WatchedProduct> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-alerts-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const logDir = join(folder, 'log-of-first');
  mkdirSync(logDir, { mode: 0o700 });
  prepareLogDir(logDir, stack);
  const [replica, redis] = await Promise.all([startOwnReplica(), startOwnRedis()]);
  stack.defer(() => redis.stop());
  stack.defer(() => replica.stop());
  const database: TestDatabase = { ...replica.primary, drop: async () => {} };
  const key = await makeKey(database);
  const env = {
    ...serverEnv(database, logDir),
    REDIS_URL: redis.url,
    REPLICA_URL: replica.appUrl,
    SPRINKLE_LIFETIME_MS: String(SPRINKLE_MS),
  };
  const servers = await Promise.all([
    startServerProcess(env),
    startServerProcess({ ...env, LOG_DIR: join(folder, 'log-of-second') }),
  ]);
  for (const server of servers) stack.defer(() => server.kill());
  const edge = await startTestEdge(
    folder,
    servers.map(({ grpcPort }) => grpcPort),
  );
  stack.defer(() => edge.stop());
  const [workerOpsPort = 0] = await findFree(1);
  let worker: WorkerProcess | undefined;
  const startWorker = async () => {
    // One that sends to webhooks, so that their metrics are there.
    const { KEY_ENCRYPTION_KEYS = '' } = env as Record<string, string>;
    const settings = { ...workerEnv(database, redis.url), KEY_ENCRYPTION_KEYS };
    worker = await startWorkerProcess({ ...settings, OPS_PORT: String(workerOpsPort) });
  };
  await startWorker();
  stack.defer(async () => worker?.kill());
  const client = grpcClient(servers[0].address, key);
  stack.defer(() => client.close());
  const tools = await startTools(stack, folder, { replica, redis, servers, edge, workerOpsPort });
  const running = stack.move();
  return {
    ...{ replica, redis, servers, logDir, edge, client, key, ...tools, startWorker },
    people: peopleOf(database, client),
    stopWorker: async () => {
      await worker?.stop();
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function startTools(
  stack: AsyncDisposableStack,
  folder: string,
  product: Pick<WatchedProduct, 'replica' | 'redis' | 'servers' | 'edge'> & {
    readonly workerOpsPort: number;
  },
): Promise<FastAlerts> {
  const { replica, redis, servers, edge, workerOpsPort } = product;
  const [node, redisExporter, postgres] = await Promise.all([
    startNodeExporter({ folder }),
    startRedisExporter({ folder, redisUrl: redis.url }),
    startPostgresExporter({ folder, databaseUrl: replica.primary.ownerUrl }),
  ]);
  for (const part of [node, redisExporter, postgres]) stack.use(part);
  const targets = {
    ppuri: [
      ...servers.map(({ opsUrl }) => targetAt(opsUrl, { process: 'server' })),
      targetAt(`http://127.0.0.1:${workerOpsPort}`, { process: 'worker' }),
    ],
    envoy: [targetAt(edge.adminUrl)],
    node: [targetAt(node.url)],
    redis: [targetAt(redisExporter.url)],
    postgres: [targetAt(postgres.url)],
  };
  return startFastAlerts(stack, folder, targets, {
    PpuriReplicaLag: REPLICA_LIMIT_S,
    PpuriCheckpointLate: CHECKPOINT_LIMIT_S,
  });
}
