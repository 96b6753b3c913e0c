// The only place that wires parts together: settings in, a serving process out.

import { setTimeout as sleep } from 'node:timers/promises';
import type { AdmissionControl } from '../admission/index.ts';
import type { Cache } from '../cache/index.ts';
import { ensurePartitions } from '../db/jobs/upkeep.ts';
import { createPeople, type People } from '../db/people/index.ts';
import { createPool, isUnreachable, type Pool } from '../db/pool.ts';
import { writeSamples } from '../db/samples.ts';
import type { AuditTrail } from '../domain/act.ts';
import type { Execute } from '../domain/batch/command.ts';
import { errorText } from '../domain/error-fields.ts';
import { Refusal } from '../domain/refusal.ts';
import { SPRINKLE_LOOKUP_MS } from '../domain/sprinkle.ts';
import { MICROS_PER_MS } from '../domain/time.ts';
import type { RecordCall } from '../grpc/index.ts';
import { CONTRACTS, type RunningServer, startServer, unauthenticatedAct } from '../grpc/index.ts';
import { createKeyRing } from '../keys/key-ring.ts';
import { readNetworks } from '../keys/networks.ts';
import { createAnnouncements, KEYS_CHANGED } from '../redis/index.ts';
import {
  createAdminRepositories,
  createNonceRepository,
  createPayoutRepository,
  createRoomRepository,
  createSprinkleRepository,
  createStoredAnswerRepository,
  createTransferRepository,
  createUserRepository,
  createWalletRepository,
} from '../repositories/index.ts';
import { createAuditTrail } from '../runtime/audit-trail.ts';
import { createCallTally } from '../runtime/call-tally.ts';
import { cryptoRandom } from '../runtime/crypto-random.ts';
import type { DependencyWatch } from '../runtime/dependency-watch.ts';
import { createLogs, type Logs } from '../runtime/logs.ts';
import { createMetrics, type Metrics } from '../runtime/metrics.ts';
import { createOpsServer } from '../runtime/ops-server.ts';
import { readinessOf } from '../runtime/readiness.ts';
import { createReplica, type Replica } from '../runtime/replica.ts';
import type { Program } from '../runtime/run.ts';
import {
  createWatchedAdmission,
  createWatchedCache,
  openWatchedPools,
  startWatchedLedger,
  watchPostgres,
} from '../runtime/watched.ts';
import type { AdminCore, Core, KeyAdmin } from '../usecases/index.ts';
import type { ServerConfig } from './config.ts';

/** A process that serves. */
export interface ServerProgram extends Program {
  readonly grpcPort: number;
  readonly opsPort: number;
  readonly logs: Logs;
  /**
   * Says that it is not there for calls any more, waits until the edge has noticed, takes no more, finishes those under
   * way, and closes everything. Whether all of it was done in time; otherwise some calls were cut off.
   */
  stop(): Promise<boolean>;
}

/** So many months ahead a server needs its partitions; further ahead they are a worker's work. */
const MONTHS_NEEDED_AHEAD = 1;
/** Connections for people and API keys. */
const PEOPLE_CONNECTIONS = 4;
/** How many calls may wait for the ledger; a server takes fewer at a time unless MAX_IN_FLIGHT is raised. */
const MAX_WAITING = 4096;
/** How often API keys are read again, in milliseconds: the longest that a change of one goes unnoticed without Redis. */
const KEY_REFRESH_MS = 30_000;
const COUNT_USES_EVERY_MS = 5000;
/** Ops are few; for keys and for the rest each. */
const ADMIN_CONNECTIONS = 2;
/** Besides ours, what callers may call and is counted by its name. */
const HEALTH_CALLS = ['/grpc.health.v1.Health/Check', '/grpc.health.v1.Health/Watch'];

/** What tests set otherwise. */
export interface ServerProgramOptions {
  /** How often API keys are read again, in milliseconds; 30 s when left out. */
  readonly keyRefreshMs?: number;
}

/** Starts a server process; it serves once this resolves. */
export async function createServerProgram(
  config: ServerConfig,
  { keyRefreshMs = KEY_REFRESH_MS }: ServerProgramOptions = {},
): Promise<ServerProgram> {
  const logs = createLogs({ folder: config.logDir, stdout: config.logStdout, level: config.logLevel });
  const metrics = createMetrics([...CONTRACTS.keys(), ...HEALTH_CALLS]);
  const pools = openWatchedPools(config, logs, metrics);
  const { reads, archive } = pools;
  const people = createPeople(peopleOptions(config, config.databaseUrl, PEOPLE_CONNECTIONS));
  await ensurePartitions(reads, MONTHS_NEEDED_AHEAD);

  const tally = createCallTally(
    (samples) => writeSamples(reads, samples),
    (error) => logs.app.warn({ reason: errorText(error) }, 'counts of calls were lost'),
  );
  const cache = await createWatchedCache(config, pools.epochs, logs, metrics, tally.cacheRead);
  let isStopping = false;
  let server: RunningServer | undefined;
  const postgres = watchPostgres(config, logs, metrics, {
    check: async (isSuspected) => {
      ledger.checkProgress();
      await Promise.all([pools.checkPools(), isSuspected ? people.ping() : undefined]);
    },
    tell: (isThere) => server?.setServing(isThere && !isStopping),
  });
  const ledger = startWatchedLedger(
    { ledger: { ...config.ledger, maxWaiting: MAX_WAITING } },
    { pool: pools.ledgerPool, cache, unreachable: postgres.suspect },
    logs,
    metrics,
  );
  metrics.states.ledgerQueue(() => ledger.queueLength());
  const replica = createReplica(config, reads, logs);
  if (replica.breaker) metrics.states.breaker('replica', replica.breaker);
  const core = coreOf({ config, people, reads, archive, replica, cache, execute: ledger.execute });
  const trail = createAuditTrail(reads, logs, metrics.audit);
  const keys = await openKeys(config, people, logs, keyRefreshMs);
  const admission = await createWatchedAdmission(config, logs, metrics);
  const { adminDatabaseUrl: adminUrl } = config;
  const admin = adminUrl ? openAdmin(adminUrl, config, { keys, logs }) : undefined;
  const around = { keys, admin, admission, logs, metrics, postgres, trail, tally: tally.call };
  server = await serve(core, config, around);
  const { port: grpcPort, stop: stopServer, setServing } = server;
  const ops = await createOpsServer({
    host: config.opsHost,
    port: config.opsPort,
    metrics,
    readiness: () =>
      readinessOf({
        isStopping,
        postgresAway: postgres.away(),
        isRedisConnected: admission.isConnected(),
        redisBreakers: { admission: admission.state(), cache: cache.state() },
        replicaBreaker: replica.breaker?.state(),
      }),
  });
  logs.app.info({ grpcPort, opsPort: ops.port }, 'serving');

  const finish = async (graceMs: number) => {
    await stopServer(graceMs);
    await ledger[Symbol.asyncDispose]();
    admission[Symbol.dispose]();
    cache[Symbol.dispose]();
    await Promise.all([keys.close(), admin?.close()]);
    await replica[Symbol.asyncDispose]();
    await tally.stop();
    await trail.close();
    await Promise.all([pools.endPools(), people[Symbol.asyncDispose](), postgres.close(), ops.stop()]);
    return true;
  };
  const stop = async () => {
    isStopping = true;
    setServing(false);
    logs.app.info({ drainMs: config.stopDrainMs }, 'stopping');
    await sleep(config.stopDrainMs);
    // The last tenth is for the logs.
    const graceMs = 0.9 * config.stopGraceMs;
    const isDone = await Promise.race([finish(graceMs), sleep(graceMs, false, { ref: false })]);
    logs.app.info({ isDone }, 'stopped');
    await logs.close();
    return isDone;
  };
  return { grpcPort, opsPort: ops.port, logs, stop, stopsWithinMs: config.stopDrainMs + config.stopGraceMs };
}

function peopleOptions({ statementTimeoutMs }: ServerConfig, url: string, maxConnections: number) {
  return { url, maxConnections, statementTimeoutMs };
}

/** What the use cases run on. */
function coreOf(parts: {
  config: ServerConfig;
  people: People;
  reads: Pool;
  archive: Pool | undefined;
  replica: Replica;
  cache: Cache;
  execute: Execute;
}): Core {
  const { config, people, reads, archive, replica, cache, execute } = parts;
  const sources = { cache, primary: reads, readFromReplica: replica.readFromReplica, archive };
  const users = createUserRepository(cache, people.users);
  return {
    execute,
    wallets: createWalletRepository(sources),
    transfers: createTransferRepository(sources),
    sprinkles: createSprinkleRepository(sources),
    payouts: createPayoutRepository(sources),
    storedAnswers: createStoredAnswerRepository(sources),
    nonces: createNonceRepository(sources),
    users,
    rooms: createRoomRepository(cache, people.rooms, users),
    quotas: config.quotas,
    limits: { sprinkleLifetimeMs: config.sprinkleLifetimeMs, sprinkleLookupMs: SPRINKLE_LOOKUP_MS },
  };
}

/** What the server needs besides what the use cases run on. */
interface Surroundings {
  readonly keys: Keys;
  readonly admin: AdminCore | undefined;
  readonly admission: AdmissionControl;
  readonly logs: Logs;
  readonly metrics: Metrics;
  readonly postgres: DependencyWatch;
  readonly tally: RecordCall;
  readonly trail: AuditTrail;
}

function serve(
  core: Core,
  config: ServerConfig,
  { keys, admin, admission, logs, metrics, postgres, tally, trail }: Surroundings,
) {
  return startServer(core, {
    recordCall: tally,
    admin,
    trail,
    admission,
    rates: config.rates,
    authentication: {
      ring: keys.ring,
      edgeSecret: config.edgeSecret,
      allowsGlobally: readNetworks(config.allowedNetworks, 'ALLOWED_NETWORKS'),
      onFailure: (failure) => {
        logs.app.debug(failure, 'a call was not let in');
        trail.sample(unauthenticatedAct(failure));
      },
    },
    host: config.grpcHost,
    port: config.grpcPort,
    reflection: config.grpcReflection,
    tls: config.grpcTls,
    callTimeoutMs: config.callTimeoutMs,
    maxInFlight: config.maxInFlight,
    maxConnectionAgeMs: config.maxConnectionAgeMs,
    calls: metrics.calls,
    explain: (error) => {
      if (!isUnreachable(error)) return undefined;
      postgres.suspect(error);
      return new Refusal('UNAVAILABLE', { retryAfterMs: 1000 });
    },
    report: (error, about) => logs.app.error({ err: error, ...about }, 'a call failed'),
  });
}

/** The keys that this process knows, and how it tells others of changes. */
type Keys = Awaited<ReturnType<typeof openKeys>>;

/** Opens what checks API keys. */
async function openKeys(config: ServerConfig, people: People, logs: Logs, refreshMs: number) {
  const fault = (message: string) => (error: unknown, keyId?: string) =>
    logs.app.warn({ reason: errorText(error), keyId }, message);
  const ring = await createKeyRing({
    apiKeys: people.apiKeys,
    sealingKeys: config.keyEncryptionKeys,
    refreshMs,
    countMs: COUNT_USES_EVERY_MS,
    onFault: fault('an API key cannot be used, or API keys cannot be read'),
  });
  const refreshKeys = () => ring.refresh().catch(fault('API keys cannot be read'));
  const announcements = createAnnouncements(config.redisUrl, [KEYS_CHANGED], refreshKeys);
  const announce = async () => {
    await refreshKeys();
    await announcements.announce(KEYS_CHANGED);
  };
  const close = async () => {
    announcements[Symbol.dispose]();
    await ring.close();
  };
  return { ring, announce, close };
}

/** Opens what admin.v1 works with, by a login of its own. */
function openAdmin(
  url: string,
  config: ServerConfig,
  { keys, logs }: { readonly keys: Keys; readonly logs: Logs },
): AdminCore & { close(): Promise<unknown> } {
  const people = createPeople(peopleOptions(config, url, ADMIN_CONNECTIONS));
  const pool = createPool({
    url,
    maxConnections: ADMIN_CONNECTIONS,
    statementTimeoutMs: config.statementTimeoutMs,
    onIdleError: (error) => logs.app.warn({ reason: errorText(error) }, 'lost a connection to Postgres'),
  });
  const keyAdmin: KeyAdmin = {
    apiKeys: people.apiKeys,
    sealingKeys: config.keyEncryptionKeys,
    random: cryptoRandom,
    now: () => Date.now() * MICROS_PER_MS,
    announce: keys.announce,
  };
  return {
    keyAdmin,
    ...createAdminRepositories(pool),
    close: () => Promise.all([people[Symbol.asyncDispose](), pool.end()]),
  };
}
