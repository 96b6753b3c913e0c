// The only place that wires parts together: settings in, a serving or working process out.
import type { Config } from './config.ts';
import { startBatcher } from './db/ledger/batcher.ts';
import { connectPeople, type People } from './db/people/connect.ts';
import { isUnreachable, openPool } from './db/pool.ts';
import { writeSamples } from './db/samples.ts';
import { Refusal } from './domain/refusal.ts';
import { MICROS_PER_MS } from './domain/time.ts';
import { startServer } from './grpc/server.ts';
import { aggregateStatistics } from './jobs/aggregate-statistics.ts';
import { archiveTransfers } from './jobs/archive-transfers.ts';
import { board } from './jobs/board.ts';
import { expireSprinkles } from './jobs/expire-sprinkles.ts';
import { partitionsAhead } from './jobs/partitions-ahead.ts';
import { purgeEndedKeys } from './jobs/purge-keys.ts';
import { purgeOldSprinkles } from './jobs/purge-sprinkles.ts';
import { reconcileLedger } from './jobs/reconcile-ledger.ts';
import { refundOneSprinkle } from './jobs/refund-sprinkle.ts';
import { startJobs } from './jobs/start-jobs.ts';
import { openKeyRing } from './keys/key-ring.ts';
import { readNetworks } from './keys/networks.ts';
import { openTally } from './ops/call-tally.ts';
import { chance } from './ops/chance.ts';
import { serveHealth } from './ops/health.ts';
import { jobLog } from './ops/job-log.ts';
import { type Logs, openLogs } from './ops/logs.ts';
import { KEYS_CHANGED, openAnnouncements } from './redis/announcements.ts';
import { openGate } from './redis/index.ts';
import type { KeyOffice } from './usecases/api-keys.ts';
import type { Core } from './usecases/core.ts';
import type { WorkerConfig } from './worker-config.ts';

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
/** Comparing a month with its copy reads all of both. */
const ARCHIVE_STATEMENT_MS = 30 * 60_000;

/** Starts a server process; it serves once this resolves. */
export async function startApp(config: Config): Promise<App> {
  const logs = openLogs({ folder: config.logDir, stdout: config.logStdout, level: config.logLevel });
  const pool = poolsOf(config, logs);
  const archive = config.archiveDatabaseUrl
    ? pool(config.readConnections, config.archiveDatabaseUrl)
    : undefined;
  const ledgerPool = pool(config.ledger.lanes);
  const reads = pool(config.readConnections);
  const people = connectPeople(config.databaseUrl, config.peopleConnections);
  await reads.query('SELECT ensure_transfer_partitions($1)', [MONTHS_AHEAD]);

  const batcher = startBatcher(
    {
      pool: ledgerPool,
      random: chance,
      onCommit: ({ posted }) => {
        for (const { transfer, requestId } of posted) logs.posted(transfer, requestId);
      },
    },
    config.ledger,
  );
  const core: Core = {
    perform: batcher.perform,
    reads,
    archive,
    users: people.users,
    rooms: people.rooms,
    limits: { sprinkleLifetimeMs: config.sprinkleLifetimeMs, sprinkleLookupMs: config.sprinkleLookupMs },
  };
  const keys = await openKeys(config, people, logs);
  const gate = await openLimits(config, logs);
  const tally = openTally(
    (samples) => writeSamples(reads, samples),
    (error) => logs.app.warn({ reason: error.message }, 'counts of calls were lost'),
  );
  const server = await startServer(core, {
    tally: tally.call,
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
    await tally.stop();
    gate.close();
    await keys.close();
    await Promise.all([ops.stop(), ledgerPool.end(), reads.end(), archive?.end(), people.close()]);
    logs.app.info('stopped');
    await logs.close();
  };
  return { grpcPort: server.port, opsPort: ops.port, logs, stop };
}

/** Opens what remembers nonces and holds callers to their limits. */
function openLimits(config: Config, logs: Logs) {
  return openGate({
    url: config.redisUrl,
    prefix: 'ppuri:',
    timeoutMs: config.redisTimeoutMs,
    onStateChange: (state, cause) =>
      logs.app.warn({ state, reason: cause?.message }, 'limits: Redis breaker'),
    onConnectionError: (error) => logs.app.warn({ reason: error.message }, 'limits: Redis cannot be reached'),
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

/** A process that does jobs. */
export interface WorkerApp {
  readonly opsPort: number;
  /** Takes no more jobs, finishes those under way, and closes everything. */
  stop(): Promise<void>;
}

/** Starts a worker process; it works once this resolves. */
export async function startWorker(config: WorkerConfig): Promise<WorkerApp> {
  const logs = openLogs({ folder: config.logDir, stdout: config.logStdout, level: config.logLevel });
  const open = poolsOf(config, logs);
  const [ledgerPool, pool] = [open(config.ledger.lanes), open(config.connections)];
  const patient = poolsOf({ ...config, statementTimeoutMs: ARCHIVE_STATEMENT_MS }, logs);
  const live = patient(1);
  const archive = config.archiveDatabaseUrl ? patient(1, config.archiveDatabaseUrl) : undefined;
  await pool.query('SELECT ensure_transfer_partitions($1)', [MONTHS_AHEAD]);
  const batcher = startBatcher(
    {
      pool: ledgerPool,
      random: chance,
      onCommit: ({ posted }) => {
        for (const { transfer, requestId } of posted) logs.posted(transfer, requestId);
      },
    },
    config.ledger,
  );
  const observer = jobLog(logs);
  const refunds = { pool, perform: batcher.perform, observer };
  const work = startJobs({
    redisUrl: config.redisUrl,
    databaseUrl: config.databaseUrl,
    pool,
    observer,
    retryMs: config.retryMs,
    stopGraceMs: config.stopGraceMs,
    jobs: {
      'expire-sprinkles': expireSprinkles(refunds),
      'refund-sprinkle': refundOneSprinkle(refunds),
      'purge-sprinkles': purgeOldSprinkles(pool, config.sprinkleLookupMs),
      'purge-keys': purgeEndedKeys(pool, config.purgeKeysAfterMs),
      'partitions-ahead': partitionsAhead(pool, MONTHS_AHEAD),
      'reconcile-ledger': reconcileLedger(pool, observer),
      'aggregate-statistics': aggregateStatistics(pool),
      'archive-transfers': archiveTransfers({ live, archive, afterMonths: config.archiveAfterMonths }),
    },
  });
  const ops = await serveHealth({
    host: config.opsHost,
    port: config.opsPort,
    check: work.away,
    pages: board(work.queues, config.opsKey),
  });
  logs.app.info({ opsPort: ops.port }, 'working');

  const stop = async () => {
    await work.stop();
    await batcher.drained();
    await Promise.all([ops.stop(), ledgerPool.end(), pool.end(), live.end(), archive?.end()]);
    logs.app.info('stopped');
    await logs.close();
  };
  return { opsPort: ops.port, stop };
}

/** Opens pools as a process' settings say, on its own database unless told another. */
function poolsOf(config: Pick<Config, 'databaseUrl' | 'statementTimeoutMs'>, logs: Logs) {
  return (maxConnections: number, url = config.databaseUrl) =>
    openPool({
      url,
      maxConnections,
      statementTimeoutMs: config.statementTimeoutMs,
      onIdleError: (error) => logs.app.warn({ reason: error.message }, 'lost a connection to Postgres'),
    });
}
