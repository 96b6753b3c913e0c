// Throw-away nodes for the failover drill: Postgres under Patroni behind its door, Redis, two servers, the edge and callers.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../../../clients/typescript/src/connection.ts';
import { randomSecret } from '../../dev/files.ts';
import { findFree, findFreePorts } from '../../dev/ports.ts';
import { createDatabase } from '../../dev/postgres.ts';
import { startServer } from '../../dev/programs.ts';
import { startRedis } from '../../dev/redis.ts';
import { type PatroniCluster, startPatroni } from '../parts/patroni.ts';
import { prepareLedger, serverEnv, startCallers } from './front.ts';

/** How the cluster is run. */
export interface FailoverNodesOptions {
  readonly folder: string;
  readonly isSynchronous: boolean;
  /** Nodes can be cut off. */
  readonly canCut: boolean;
  /** The disk of each node, in megabytes, where it can be filled. */
  readonly diskMegabytes: number | undefined;
  readonly log: (line: string) => void;
}

/** The nodes, running. Disposing ends them all. */
export interface FailoverNodes extends AsyncDisposable {
  readonly cluster: PatroniCluster;
  /** The ledger on whichever node is primary, as the owner of everything. */
  readonly ownerUrl: string;
  /** Connections of callers: one to each server, and one to the edge where there is one. */
  readonly callers: readonly Connection[];
}

/** Starts them with the demo users and a key. */
export async function startFailoverNodes(options: FailoverNodesOptions): Promise<FailoverNodes> {
  const { folder, isSynchronous, canCut, diskMegabytes, log } = options;
  await using stack = new AsyncDisposableStack();
  const logDir = join(folder, 'log');
  mkdirSync(logDir, { recursive: true });
  const ha = join(folder, 'ha');
  mkdirSync(ha);
  const cluster = stack.use(
    await startPatroni({
      ...{ folder: ha, isSynchronous, canCut, log },
      ...(diskMegabytes !== undefined && { diskMegabytes }),
    }),
  );
  const ports = await findFreePorts();
  const redis = await startRedis({ dataDir: folder, logDir, port: ports.redis, log });
  stack.defer(() => redis.stop());
  const ownerUrl = await createDatabase(cluster.doorUrl, 'ppuri');
  const ledger = await prepareLedger(folder, ownerUrl, redis.url);
  const edgeSecret = randomSecret();
  const [grpc = 0, ops = 0] = await findFree(2);
  const servers = { server: ports, 'second-server': { grpc, ops } };
  for (const [name, at] of Object.entries(servers)) {
    const env = { ...ledger.env, ...serverEnv(at, logDir, name), EDGE_SECRET: edgeSecret };
    const server = await startServer({ dataDir: folder, env, onOutput: () => {}, name });
    stack.defer(() => server.stop());
  }
  const callers = await startCallers(stack, {
    ...{ folder, logDir, ports, serverPorts: [ports.grpc, grpc], edgeSecret, key: ledger.key, log },
  });
  const owned = stack.move();
  return { cluster, ownerUrl, callers, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
