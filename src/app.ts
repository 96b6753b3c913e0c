// The only place that wires parts together: settings in, a serving process out.

import { copiesOf } from './cached/ledger-copies.ts';
import { cachedRooms, cachedUsers } from './cached/people.ts';
import { cachedTokens } from './cached/tokens.ts';
import { cachedNewestTransfers } from './cached/transactions.ts';
import { cachedWallets } from './cached/wallets.ts';
import type { Config } from './config.ts';
import { cacheEpochsIn } from './db/cache-epochs.ts';
import { startBatcher } from './db/ledger/batcher.ts';
import { connectPeople, type People } from './db/people/connect.ts';
import { isUnreachable, openPool, type Pool } from './db/pool.ts';
import { Refusal } from './domain/refusal.ts';
import { MICROS_PER_MS } from './domain/time.ts';
import type { Perform } from './domain/verb.ts';
import { startServer } from './grpc/server.ts';
import { openKeyRing } from './keys/key-ring.ts';
import { readNetworks } from './keys/networks.ts';
import { chance } from './ops/chance.ts';
import { serveHealth } from './ops/health.ts';
import { type Logs, openLogs } from './ops/logs.ts';
import { KEYS_CHANGED, openAnnouncements } from './redis/announcements.ts';
import { LEASE_MS, type OpenCache, openCache, openGate } from './redis/index.ts';
import { openReplica, type Replica } from './replica.ts';
import type { KeyOffice } from './usecases/api-keys.ts';
import type { Core } from './usecases/core.ts';

/** A process that serves. */
export interface App {
  readonly grpcPort: number;
  readonly opsPort: number;
  readonly logs: Logs;
  /** Stops taking calls, finishes those under way, and closes everything. */
  stop(): Promise<void>;
}

/** How many months of partitions exist ahead of time. */
const MONTHS_AHEAD = 12;
const COUNT_USES_EVERY_MS = 5000;
/** One renews the lease, one takes it from everybody. */
const EPOCH_CONNECTIONS = 2;

/** Starts a server process; it serves once this resolves. */
export async function startApp(config: Config): Promise<App> {
  const logs = openLogs({ folder: config.logDir, stdout: config.logStdout, level: config.logLevel });
  const pool = (maxConnections: number) =>
    openPool({
      url: config.databaseUrl,
      maxConnections,
      statementTimeoutMs: config.statementTimeoutMs,
      onIdleError: (error) => logs.app.warn({ reason: error.message }, 'lost a connection to Postgres'),
    });
  const ledgerPool = pool(config.ledger.lanes);
  const reads = pool(config.readConnections);
  // Of its own, so that a crowd of other statements does not cost the right to believe copies.
  const epochs = pool(EPOCH_CONNECTIONS);
  const people = connectPeople(config.databaseUrl, config.peopleConnections);
  await reads.query('SELECT ensure_transfer_partitions($1)', [MONTHS_AHEAD]);

  const cache = await openCopies(config, epochs, logs);
  const batcher = startBatcher(
    {
      pool: ledgerPool,
      random: chance,
      beforeCommit: copiesOf(cache),
      onCommit: ({ posted }) => {
        for (const { transfer, requestId } of posted) logs.posted(transfer, requestId);
      },
    },
    config.ledger,
  );
  const replica = openReplica(config, reads, logs);
  const core = coreOf({ config, people, reads, replica, cache, perform: batcher.perform });
  const keys = await openKeys(config, people, logs);
  const gate = await openGate({
    url: config.redisUrl,
    prefix: 'ppuri:',
    timeoutMs: config.redisTimeoutMs,
    onStateChange: (state, cause) =>
      logs.app.warn({ state, reason: cause?.message }, 'limits: Redis breaker'),
    onConnectionError: (error) => logs.app.warn({ reason: error.message }, 'limits: Redis cannot be reached'),
  });
  const server = await startServer(core, {
    keyOffice: keys.office,
    gate,
    rates: config.rates,
    authentication: {
      ring: keys.ring,
      edgeSecret: config.edgeSecret,
      allowsGlobally: readNetworks(config.allowedNetworks, 'ALLOWED_NETWORKS'),
      onFailure: (failure) => logs.app.debug(failure, 'a call was not let in'),
    },
    host: config.grpcHost,
    port: config.grpcPort,
    reflection: config.grpcReflection,
    tls: config.grpcTls,
    callTimeoutMs: config.callTimeoutMs,
    maxConnectionAgeMs: config.maxConnectionAgeMs,
    stopGraceMs: config.stopGraceMs,
    explain: (error) =>
      isUnreachable(error) ? new Refusal('UNAVAILABLE', { retryAfterMs: 1000 }) : undefined,
    report: (error, about) => logs.app.error({ err: error, ...about }, 'a call failed'),
  });
  const ops = await serveHealth({
    host: config.opsHost,
    port: config.opsPort,
    check: () =>
      reads.query('SELECT 1').then(
        () => [],
        () => ['postgres'],
      ),
  });
  logs.app.info({ grpcPort: server.port, opsPort: ops.port }, 'serving');

  const stop = async () => {
    await server.stop();
    await batcher.drained();
    gate.close();
    cache.close();
    await keys.close();
    await replica.close();
    await Promise.all([ops.stop(), ledgerPool.end(), reads.end(), epochs.end(), people.close()]);
    logs.app.info('stopped');
    await logs.close();
  };
  return { grpcPort: server.port, opsPort: ops.port, logs, stop };
}

/** What the use cases run on. */
function coreOf(parts: {
  config: Config;
  people: People;
  reads: Pool;
  replica: Replica;
  cache: OpenCache;
  perform: Perform;
}): Core {
  const { config, people, reads, replica, cache, perform } = parts;
  const users = cachedUsers(cache, people.users);
  return {
    perform,
    reads,
    lookUp: replica.lookUp,
    wallets: cachedWallets(cache, reads),
    newestTransfers: cachedNewestTransfers(cache, reads),
    tokens: cachedTokens(cache, reads),
    users,
    rooms: cachedRooms(cache, people.rooms, users),
    limits: { sprinkleLifetimeMs: config.sprinkleLifetimeMs, sprinkleLookupMs: config.sprinkleLookupMs },
  };
}

/** Opens the copies in Redis. */
function openCopies(config: Config, epochs: Pool, logs: Logs) {
  return openCache({
    url: config.redisUrl,
    prefix: 'ppuri:copy:',
    timeoutMs: config.redisTimeoutMs,
    secret: config.edgeSecret,
    epochs: cacheEpochsIn(epochs, LEASE_MS),
    onStateChange: (state, cause) =>
      logs.app.warn({ state, reason: cause?.message }, 'copies: Redis breaker'),
    onConnectionError: (error) => logs.app.warn({ reason: error.message }, 'copies: Redis cannot be reached'),
    onFault: (error) =>
      logs.app.warn({ reason: error instanceof Error ? error.message : String(error) }, 'copies: no lease'),
    onLook: () => {},
  });
}

/** Opens what checks and looks after API keys. */
async function openKeys(config: Config, people: People, logs: Logs) {
  const fault = (message: string) => (error: unknown, keyId?: string) =>
    logs.app.warn({ reason: error instanceof Error ? error.message : String(error), keyId }, message);
  const ring = await openKeyRing({
    apiKeys: people.apiKeys,
    sealingKeys: config.keyEncryptionKeys,
    refreshMs: config.keyRefreshMs,
    countMs: COUNT_USES_EVERY_MS,
    onFault: fault('an API key cannot be used, or API keys cannot be read'),
  });
  const refreshKeys = () => ring.refresh().catch(fault('API keys cannot be read'));
  const announcements = openAnnouncements(config.redisUrl, [KEYS_CHANGED], refreshKeys);
  const office: KeyOffice = {
    apiKeys: people.apiKeys,
    sealingKeys: config.keyEncryptionKeys,
    random: chance,
    now: () => Date.now() * MICROS_PER_MS,
    announce: async () => {
      await refreshKeys();
      await announcements.announce(KEYS_CHANGED);
    },
  };
  const close = async () => {
    announcements.close();
    await ring.close();
  };
  return { ring, office, close };
}
