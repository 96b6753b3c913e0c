// Throw-away nodes for the Redis drill: Postgres, a Redis that can be lost, a server, a worker and callers.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../../../clients/typescript/src/connection.ts';
import { randomSecret } from '../../dev/files.ts';
import { findFree, findFreePorts } from '../../dev/ports.ts';
import { startPostgres } from '../../dev/postgres.ts';
import { startServer, startWorker } from '../../dev/programs.ts';
import { startRedis } from '../../dev/redis.ts';
import type { DrillOptions } from './drill.ts';
import { prepareLedger, serverEnv, startCallers } from './front.ts';

/** The nodes, running. Disposing ends them all. */
export interface RedisNodes extends AsyncDisposable {
  /** The ledger as the owner of everything. */
  readonly ownerUrl: string;
  readonly redisUrl: string;
  /** Connections of callers: to the server, and to the edge where there is one. */
  readonly callers: readonly Connection[];
  /** Kills Redis, and starts an empty one in its place. */
  replaceRedis(): Promise<void>;
}

/** Starts them with the demo users and a key. */
export async function startRedisNodes(
  { folder, log }: Pick<DrillOptions, 'folder' | 'log'>,
  sprinkleLifetimeMs: number,
): Promise<RedisNodes> {
  await using stack = new AsyncDisposableStack();
  const ports = await findFreePorts();
  const logDir = join(folder, 'log');
  mkdirSync(logDir, { recursive: true });
  const postgres = await startPostgres({ dataDir: folder, logDir, port: ports.postgres });
  stack.defer(() => postgres.stop());
  let count = 0;
  const emptyRedis = () =>
    startRedis({ dataDir: join(folder, `redis-${count++}`), logDir, port: ports.redis, log });
  let redis = await emptyRedis();
  stack.defer(() => redis.stop());
  const ownerUrl = await postgres.createDatabase('ppuri');
  const { env, key } = await prepareLedger(folder, ownerUrl, redis.url);
  const edgeSecret = randomSecret();
  const server = await startServer({
    dataDir: folder,
    env: {
      ...env,
      ...serverEnv(ports, logDir),
      EDGE_SECRET: edgeSecret,
      SPRINKLE_LIFETIME_MS: String(sprinkleLifetimeMs),
    },
    onOutput: () => {},
  });
  stack.defer(() => server.stop());
  const [workerOps = 0] = await findFree(1);
  const worker = await startWorker({
    dataDir: folder,
    env: {
      PATH: process.env.PATH,
      REDIS_URL: redis.url,
      // All logins of a drill have one password.
      DATABASE_URL: Object.assign(new URL(env.DATABASE_URL ?? ''), { username: 'ppuri_worker' }).href,
      OPS_PORT: String(workerOps),
      LOG_DIR: join(logDir, 'worker'),
      LOG_STDOUT: 'none',
    },
    onOutput: () => {},
  });
  stack.defer(() => worker.stop());
  const callers = await startCallers(stack, {
    ...{ folder, logDir, ports, serverPorts: [ports.grpc], edgeSecret, key, log },
  });
  const owned = stack.move();
  return {
    ownerUrl,
    redisUrl: redis.url,
    callers,
    replaceRedis: async () => {
      redis.kill();
      await redis.ended;
      redis = await emptyRedis();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
