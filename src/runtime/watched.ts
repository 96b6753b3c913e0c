// Opens the parts that ops watch, each told what to record with and what to log; a piece of app.ts' wiring.

import { type AdmissionControl, createAdmissionControl } from '../admission/index.ts';
import {
  type Cache,
  type CacheResult,
  type CacheWriter,
  cacheCommitted,
  createCache,
  LEASE_MS,
} from '../cache/index.ts';
import { createCacheEpochs } from '../db/cache-epochs.ts';
import { createPool, LEDGER_SETTINGS, type Pool, type PoolOptions } from '../db/pool.ts';
import { createPostgresProbe } from '../db/probe.ts';
import { createPoolPulse } from '../db/pulse.ts';
import { errorText } from '../domain/error-fields.ts';
import { connectionsFor, createLedger, type Ledger, type LedgerOptions } from '../ledger/index.ts';
import type { ServerConfig } from '../server/config.ts';
import { cryptoRandom } from './crypto-random.ts';
import { createDependencyWatch, type DependencyWatch } from './dependency-watch.ts';
import type { Logs } from './logs.ts';
import type { Metrics } from './metrics.ts';

const PROBE_EVERY_MS = 500;
/** Longer than a Postgres that is there is ever silent: by a false alarm all processes would leave at once. */
const PROBE_TIMEOUT_MS = 1000;

/** So long after a call's failure the connections that are not watched are asked too. */
const SUSPICION_MS = 5_000;

/** How long Redis has to answer before a process decides by itself, in milliseconds. */
export const REDIS_TIMEOUT_MS = 100;

/** One renews the lease, one takes it from everybody; of its own, so that a crowd of statements doesn't cost the lease. */
const EPOCH_CONNECTIONS = 2;

/** The connections to Postgres, by what they are for. */
export interface Pools {
  readonly ledgerPool: Pool;
  readonly reads: Pool;
  /** To the archive; undefined where there is none. */
  readonly archive: Pool | undefined;
  readonly epochs: Pool;
  /** Rejects when a pool that calls cannot do without gets no answers. */
  checkPools(): Promise<void>;
  endPools(): Promise<unknown>;
}

/** Opens the pools, each under its name in the metrics. */
export function openWatchedPools(config: ServerConfig, logs: Logs, metrics: Metrics): Pools {
  const open = (
    name: string,
    maxConnections: number,
    { url = config.databaseUrl, settings }: Partial<Pick<PoolOptions, 'url' | 'settings'>> = {},
  ): Pool => {
    const pool = createPool({
      url,
      settings,
      maxConnections,
      statementTimeoutMs: config.statementTimeoutMs,
      onIdleError: (error) => logs.app.warn({ reason: errorText(error) }, 'lost a connection to Postgres'),
    });
    metrics.states.pool(name, () => ({
      total: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }));
    return pool;
  };
  const { archiveDatabaseUrl, readConnections } = config;
  const ledgerPool = open('ledger', connectionsFor(config.ledger), { settings: LEDGER_SETTINGS });
  const reads = open('reads', readConnections);
  const archive = archiveDatabaseUrl
    ? open('archive', readConnections, { url: archiveDatabaseUrl })
    : undefined;
  const epochs = open('epochs', EPOCH_CONNECTIONS);
  const endPools = () => Promise.all([ledgerPool, reads, archive, epochs].map((pool) => pool?.end()));
  // Without the archive most calls can do.
  const pulses = [
    createPoolPulse(ledgerPool, 'ledger'),
    createPoolPulse(reads, 'reads'),
    createPoolPulse(epochs, 'epochs'),
  ];
  const checkPools = async () => void (await Promise.all(pulses.map((pulse) => pulse.check())));
  return { ledgerPool, reads, archive, epochs, checkPools, endPools };
}

/** What the ledger runs on. */
export interface LedgerParts {
  readonly pool: Pool;
  /** Where a batch sets tombstones before it commits. */
  readonly cache: CacheWriter;
  /** Told when a batch could not reach Postgres. */
  readonly unreachable: (error: Error) => void;
}

/** Starts the ledger; what it posts is logged, and how its batches do is recorded. */
export function startWatchedLedger(
  { ledger }: { readonly ledger: LedgerOptions },
  { pool, cache, unreachable }: LedgerParts,
  logs: Logs,
  metrics: Metrics,
): Ledger {
  return createLedger(
    {
      pool,
      random: cryptoRandom,
      beforeCommit: cacheCommitted(cache),
      onCommit: ({ posted }) => {
        for (const { transfer, requestId } of posted) logs.posted(transfer, requestId);
      },
      observer: {
        ...metrics.ledger,
        unreachable,
        tooFarAhead: (accountIds) =>
          logs.app.error({ accountIds }, 'accounts are dated too far ahead of the clock: it went back'),
      },
    },
    ledger,
  );
}

/** What watches Postgres besides its own connection, and who is told. */
export interface PostgresWatchOptions {
  /** Rejects when calls get no answers; told whether some call has lately met a failure. */
  readonly check: (isSuspected: boolean) => Promise<void>;
  readonly tell: (isThere: boolean) => void;
}

/**
 * Watches Postgres, and tells when it goes away and when it is back. It is there when it answers on a connection of the
 * watch's own, which is never busy, and when the connections that calls use get answers too.
 */
export function watchPostgres(
  config: ServerConfig,
  logs: Logs,
  metrics: Metrics,
  { check, tell }: PostgresWatchOptions,
): DependencyWatch & { close(): Promise<void> } {
  const probe = createPostgresProbe(config.databaseUrl, PROBE_TIMEOUT_MS);
  let suspectedUntil = 0;
  const watch = createDependencyWatch({
    ask: async () => {
      await probe.ask();
      await check(performance.now() < suspectedUntil);
    },
    everyMs: PROBE_EVERY_MS,
    onChange: (away) => {
      if (away) logs.app.error({ reason: errorText(away) }, 'Postgres is away');
      else logs.app.info('Postgres is back');
      tell(!away);
    },
  });
  metrics.states.dependency('postgres', () => watch.away() === undefined);
  const close = async () => {
    watch.close();
    await probe.close();
  };
  const suspect = (failure: Error) => {
    suspectedUntil = performance.now() + SUSPICION_MS;
    watch.suspect(failure);
  };
  return { ...watch, suspect, close };
}

/** Creates the admission control that every call passes. */
export async function createWatchedAdmission(
  config: ServerConfig,
  logs: Logs,
  metrics: Metrics,
): Promise<AdmissionControl> {
  const admission = await createAdmissionControl({
    url: config.redisUrl,
    prefix: 'ppuri:',
    timeoutMs: REDIS_TIMEOUT_MS,
    onStateChange: (state, cause) =>
      logs.app.warn({ state, reason: cause && errorText(cause) }, 'limits: Redis breaker'),
    onConnectionError: (error) =>
      logs.app.warn({ reason: errorText(error) }, 'limits: Redis cannot be reached'),
    onDecision: metrics.limiter.decided,
  });
  metrics.states.breaker('admission', admission);
  metrics.states.redis('admission', admission.isConnected);
  return admission;
}

/** Creates the cache; `epochs` are the connections that its lease is renewed over. */
export async function createWatchedCache(
  config: ServerConfig,
  epochs: Pool,
  logs: Logs,
  metrics: Metrics,
  tally: (kind: string, result: CacheResult) => void,
): Promise<Cache> {
  const cache = await createCache({
    url: config.redisUrl,
    timeoutMs: REDIS_TIMEOUT_MS,
    secret: config.edgeSecret,
    epochs: createCacheEpochs(epochs, LEASE_MS),
    onStateChange: (state, cause) =>
      logs.app.warn({ state, reason: cause && errorText(cause) }, 'cache: Redis breaker'),
    onConnectionError: (error) =>
      logs.app.warn({ reason: errorText(error) }, 'cache: Redis cannot be reached'),
    onFault: (error) => logs.app.warn({ reason: errorText(error) }, 'cache: no lease'),
    onRead: (kind, result, ageMs) => {
      metrics.cache.read(kind, result, ageMs);
      tally(kind, result);
    },
  });
  metrics.states.breaker('cache', cache);
  metrics.states.cache(cache.isTrusted);
  return cache;
}
