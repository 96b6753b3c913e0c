// Composes a server: settings in, a program that answers calls out.
import { setTimeout as sleep } from 'node:timers/promises';
import { writeSamples } from '../db/samples.ts';
import type { RunningServer } from '../grpc/index.ts';
import type { SessionTimes } from '../operator/index.ts';
import {
  createAuditTrail,
  createCallTally,
  createPostgresHealth,
  createReplica,
  missingTransferAlarm,
  type Phase,
  type Program,
  prepareDatabases,
  type Resources,
  readinessOf,
  withResources,
} from '../runtime/index.ts';
import { createAdminCore, createServerKeys } from './api-keys.ts';
import type { ServerConfig } from './config.ts';
import { PEOPLE_CONNECTIONS, readSettings } from './connections.ts';
import { createCore } from './core.ts';
import { createOps } from './ops.ts';
import { ABOUT, serve } from './serve.ts';

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
  /** How long sessions of the operator's page last; SESSION_TIMES when left out. */
  readonly sessionTimes?: SessionTimes;
}

/** How many calls may wait for the ledger; a server takes fewer at a time unless MAX_IN_FLIGHT is raised. */
const MAX_WAITING = 4096;

/** Creates a server; it answers calls once this resolves. A start that fails leaves nothing open. */
export function createServerProgram(
  config: ServerConfig,
  options: ServerProgramOptions = {},
): Promise<ServerProgram> {
  return withResources(config, ABOUT, (resources) => compose(resources, config, options));
}

async function compose(
  resources: Resources,
  config: ServerConfig,
  { keyRefreshMs, sessionTimes }: ServerProgramOptions,
): Promise<ServerProgram> {
  const { logs, metrics, warn, use, createPool, createPeople } = resources;
  let phase: Phase = 'starting';
  let server: RunningServer | undefined;
  const primary = createPool('reads', readSettings(config));
  const archive = resources.createArchivePool(readSettings(config));
  const epochs = resources.createEpochPool();
  const people = await createPeople({ maxConnections: PEOPLE_CONNECTIONS });
  await prepareDatabases(resources, { ledger: primary, archive });
  const tally = use(
    createCallTally((samples) => writeSamples(primary, samples), warn('counts of calls were lost')),
  );
  const cache = await resources.createCache(epochs, { secret: config.edgeSecret, onRead: tally.cacheRead });
  const { ledger, pool } = resources.createLedger({
    ...{ cache, sealingKeys: config.keyEncryptionKeys },
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
  const check = resources.createCheck(primary);
  const reads = { primary, archive, readFromReplica, onMissingTransfers: missingTransferAlarm(resources) };
  const core = createCore(config, { execute: ledger.execute, check, cache, people, ...reads });
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
  const admin = await createAdminCore(resources, config, keys, { primary, cache, money: core });
  const ops = await createOps(resources, config, { core, admin, keys, trail, readiness, sessionTimes });
  server = await serve(resources, config, core, {
    ...{ keys, admin, admission, trail },
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
  const stopsWithinMs = config.stopDrainMs + config.stopGraceMs;
  return { stop, stopsWithinMs, logs, grpcPort: server.port, opsPort: ops.port };
}
