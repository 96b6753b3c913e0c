// Composes a server: settings in, a program that answers calls out.
import { setTimeout as sleep } from 'node:timers/promises';
import { ensurePartitions } from '../db/jobs/index.ts';
import { writeSamples } from '../db/samples.ts';
import type { RunningServer } from '../grpc/index.ts';
import {
  createAuditTrail,
  createCallTally,
  createOpsServer,
  createPostgresHealth,
  createReplica,
  type Phase,
  type Program,
  programOf,
  type Resources,
  readinessOf,
  withResources,
} from '../runtime/index.ts';
import { createAdminCore, createServerKeys } from './api-keys.ts';
import type { ServerConfig } from './config.ts';
import { createCore } from './core.ts';
import { CALL_PATHS, serve } from './serve.ts';

/** A server that answers calls. */
export interface ServerProgram extends Program {
  readonly grpcPort: number;
  readonly opsPort: number;
  readonly logs: Resources['logs'];
}

/** What tests set otherwise. */
export interface ServerProgramOptions {
  /** How often API keys are read again, in milliseconds; 30 s when left out. */
  readonly keyRefreshMs?: number;
}

/** A server needs the partition of the next month too; those of later months are a worker's work. */
const MONTHS_NEEDED_AHEAD = 1;
const PEOPLE_CONNECTIONS = 4;
/** How many calls may wait for the ledger; a server takes fewer at a time unless MAX_IN_FLIGHT is raised. */
const MAX_WAITING = 4096;

/** Creates a server; it answers calls once this resolves. A start that fails leaves nothing open. */
export function createServerProgram(
  config: ServerConfig,
  options: ServerProgramOptions = {},
): Promise<ServerProgram> {
  return withResources(config, CALL_PATHS, (resources) => compose(resources, config, options));
}

async function compose(
  resources: Resources,
  config: ServerConfig,
  { keyRefreshMs }: ServerProgramOptions,
): Promise<ServerProgram> {
  const { logs, metrics, warn, use, createPool, createPeople } = resources;
  let phase: Phase = 'starting';
  let server: RunningServer | undefined;
  const primary = createPool('reads', { maxConnections: config.readConnections });
  const archive = resources.createArchivePool({ maxConnections: config.readConnections });
  const epochs = resources.createEpochPool();
  const people = createPeople({ maxConnections: PEOPLE_CONNECTIONS });
  await ensurePartitions(primary, MONTHS_NEEDED_AHEAD);
  const tally = use(
    createCallTally((samples) => writeSamples(primary, samples), warn('counts of calls were lost')),
  );
  const cache = await resources.createCache(epochs, { secret: config.edgeSecret, onRead: tally.cacheRead });
  const { ledger, pool } = resources.createLedger({
    cache,
    maxWaiting: MAX_WAITING,
    onUnreachable: (error) => postgres.suspect(error),
  });
  const postgres = createPostgresHealth(resources, {
    databaseUrl: config.databaseUrl,
    // Most calls can do without the archive.
    pools: { ledger: pool, reads: primary, epochs },
    check: async (isSuspected) => {
      ledger.checkProgress();
      if (isSuspected) await people.ping();
    },
    onChange: (isThere) => server?.setServing(isThere && phase === 'serving'),
  });
  const { readFromReplica, breaker } = createReplica(resources, config, primary);
  const { execute } = ledger;
  const core = createCore(config, { execute, cache, people, primary, archive, readFromReplica });
  const trail = use(createAuditTrail(primary, logs, metrics.audit));
  const keys = await createServerKeys(resources, config, people.apiKeys, keyRefreshMs);
  const admission = await resources.createAdmissionControl();
  const readiness = () =>
    readinessOf({
      phase,
      postgresAway: postgres.away(),
      isRedisConnected: admission.isConnected(),
      redisBreakers: { admission: admission.state(), cache: cache.state() },
      replicaBreaker: breaker?.state(),
    });
  const ops = use(await createOpsServer({ host: config.opsHost, port: config.opsPort, metrics, readiness }));
  server = await serve(resources, config, core, {
    keys,
    admin: createAdminCore(resources, config, keys),
    admission,
    trail,
    recordCall: tally.call,
    onUnreachable: postgres.suspect,
  });
  phase = 'serving';
  // Postgres may have gone away while there was no server to tell.
  server.setServing(postgres.away() === undefined);
  logs.app.info({ grpcPort: server.port, opsPort: ops.port }, 'serving');
  const stop = async () => {
    phase = 'stopping';
    server?.setServing(false);
    logs.app.info({ drainMs: config.stopDrainMs }, 'stopping');
    await sleep(config.stopDrainMs);
    return resources.disposeWithin(config.stopGraceMs);
  };
  const program = programOf(stop, config.stopDrainMs + config.stopGraceMs);
  return { ...program, logs, grpcPort: server.port, opsPort: ops.port };
}
