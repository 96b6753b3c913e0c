// Opens what both programs and tests run on, logs and metrics told of each, and closes it in reverse order.
import { setTimeout as sleep } from 'node:timers/promises';
import { type AdmissionControl, createAdmissionControl } from '../admission/index.ts';
import {
  type Cache,
  type CacheWriter,
  cacheCommitted,
  createCache,
  createCacheWriter,
  LEASE_MS,
  type OnCacheRead,
} from '../cache/index.ts';
import { createCacheEpochs } from '../db/cache-epochs.ts';
import { createPeople, type People } from '../db/people/index.ts';
import { createPool, LEDGER_SETTINGS, type Pool, type PoolOptions } from '../db/pool.ts';
import { errorText } from '../domain/error-fields.ts';
import { connectionsFor, createLedger, type Ledger } from '../ledger/index.ts';
import { cryptoRandom } from './crypto-random.ts';
import { createLogs, type Logs } from './logs.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createMonthOpener } from './month-opener.ts';
import type { CommonConfig } from './variables.ts';

/** How long Redis has to answer a command before a process decides without it, in milliseconds. */
const REDIS_TIMEOUT_MS = 100;
/** One renews the lease, one takes it from everybody; apart, so that a crowd of statements does not cost the lease. */
const EPOCH_CONNECTIONS = 2;

/** How a pool differs from others. */
export interface PoolSettings
  extends Partial<Pick<PoolOptions, 'url' | 'statementTimeoutMs' | 'giveUpMs' | 'settings'>> {
  readonly maxConnections: number;
}

/** What the ledger of a process is given. */
export interface LedgerNeeds {
  readonly cache: CacheWriter;
  /** How many calls may wait; more are refused at once. */
  readonly maxWaiting: number;
  /** Told when a batch could not reach Postgres. */
  readonly onUnreachable: (error: Error) => void;
}

/**
 * Makes what a process runs on. Everything made here is disposed of with the resources, the newest first; what throws
 * leaves nothing open that was not open before.
 */
export interface Resources extends AsyncDisposable {
  readonly logs: Logs;
  readonly metrics: Metrics;
  /** Takes over something else that has to be disposed of. */
  use<T extends Disposable | AsyncDisposable>(resource: T): T;
  /** Takes over what has to be done before everything older is disposed of. */
  defer(close: () => void | Promise<void>): void;
  /** Logs a warning with the error's text, under this message. */
  warn(message: string): (error: unknown) => void;
  /** A pool on the process' own database, unless `url` names another; metrics call it by its name. */
  createPool(name: string, settings: PoolSettings): Pool;
  /** People and API keys, with connections of their own. */
  createPeople(settings: { readonly maxConnections: number; readonly url?: string }): People;
  createCache(
    epochs: Pool,
    options: { readonly secret: string; readonly onRead: OnCacheRead },
  ): Promise<Cache>;
  /** The part of the cache that a process needs which commits and does not read. */
  createCacheWriter(epochs: Pool): Promise<CacheWriter>;
  /** Connections to the archive; undefined where there is none. */
  createArchivePool(settings: Omit<PoolSettings, 'url'>): Pool | undefined;
  /** The connections that the lease of the cache is renewed over. */
  createEpochPool(): Pool;
  createAdmissionControl(): Promise<AdmissionControl>;
  /** A ledger with connections of its own, in `pool`. What it posts goes to the log of transactions. */
  createLedger(dependencies: LedgerNeeds): { readonly ledger: Ledger; readonly pool: Pool };
  /**
   * Disposes of everything; nine tenths of the time are for that, the last one is for the logs. Returns whether all was
   * done in time; otherwise something is still open, and the process has to end.
   */
  disposeWithin(withinMs: number): Promise<boolean>;
}

/**
 * Creates the resources of a process, then what `compose` makes of them. Where that fails, everything that was opened is
 * closed before the error is thrown.
 * @param paths The calls that metrics count by name.
 */
export async function withResources<T>(
  config: ResourceConfig,
  paths: Iterable<string>,
  compose: (resources: Resources) => Promise<T>,
): Promise<T> {
  const resources = createResources(config, paths);
  try {
    return await compose(resources);
  } catch (error) {
    await resources[Symbol.asyncDispose]();
    throw error;
  }
}

/** The settings that resources go by. */
export type ResourceConfig = Pick<
  CommonConfig,
  | 'databaseUrl'
  | 'archiveDatabaseUrl'
  | 'redisUrl'
  | 'statementTimeoutMs'
  | 'ledger'
  | 'logDir'
  | 'logStdout'
  | 'logLevel'
>;

/** Creates the resources of a process; nothing is opened yet but the logs. */
export function createResources(config: ResourceConfig, paths: Iterable<string> = []): Resources {
  const stack = new AsyncDisposableStack();
  const logs = createLogs({ folder: config.logDir, stdout: config.logStdout, level: config.logLevel });
  const metrics = createMetrics(paths);
  const warn: Resources['warn'] = (message) => (error) =>
    logs.app.warn({ reason: errorText(error) }, message);
  const newPool = poolFactory(config, { stack, metrics, onIdleError: warn('lost a connection to Postgres') });
  const dispose = async () => {
    await stack.disposeAsync();
    await logs[Symbol.asyncDispose]();
  };
  return {
    logs,
    metrics,
    warn,
    use: (resource) => stack.use(resource),
    defer: (close) => stack.defer(close),
    createPool: newPool,
    createArchivePool: (settings) =>
      config.archiveDatabaseUrl === undefined
        ? undefined
        : newPool('archive', { url: config.archiveDatabaseUrl, ...settings }),
    createEpochPool: () => newPool('epochs', { maxConnections: EPOCH_CONNECTIONS }),
    createPeople: ({ maxConnections, url = config.databaseUrl }) =>
      stack.use(createPeople({ url, maxConnections, statementTimeoutMs: config.statementTimeoutMs })),
    ...redisFactories(config, { stack, logs, metrics, warn }),
    createLedger: ({ cache, maxWaiting, onUnreachable }) => {
      const pool = newPool('ledger', {
        maxConnections: connectionsFor(config.ledger),
        settings: LEDGER_SETTINGS,
      });
      const ledger = stack.use(
        createLedger(
          {
            pool,
            random: cryptoRandom,
            beforeCommit: cacheCommitted(cache),
            onCommit: ({ posted }) => {
              for (const { transfer, requestId } of posted) logs.posted(transfer, requestId);
            },
            observer: {
              ...metrics.ledger,
              unreachable: onUnreachable,
              monthMissing: createMonthOpener(pool, logs),
              tooFarAhead: (accountIds) =>
                logs.app.error({ accountIds }, 'accounts are dated too far ahead of the clock: it went back'),
            },
          },
          { ...config.ledger, maxWaiting },
        ),
      );
      metrics.states.ledgerQueue(() => ledger.queueLength());
      return { ledger, pool };
    },
    disposeWithin: async (withinMs) => {
      const isDone = await Promise.race([
        stack.disposeAsync().then(() => true),
        sleep(0.9 * withinMs, false, { ref: false }),
      ]);
      logs.app.info({ isDone }, 'stopped');
      await logs[Symbol.asyncDispose]();
      return isDone;
    },
    [Symbol.asyncDispose]: dispose,
  };
}

function poolFactory(
  config: ResourceConfig,
  {
    stack,
    metrics,
    onIdleError,
  }: { stack: AsyncDisposableStack; metrics: Metrics; onIdleError: (error: Error) => void },
): Resources['createPool'] {
  return (
    name,
    { url = config.databaseUrl, statementTimeoutMs = config.statementTimeoutMs, ...settings },
  ) => {
    const pool = createPool({ url, statementTimeoutMs, onIdleError, ...settings });
    stack.defer(() => pool.end());
    metrics.states.pool(name, () => ({
      total: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }));
    return pool;
  };
}

function redisFactories(
  { redisUrl: url }: ResourceConfig,
  {
    stack,
    logs,
    metrics,
    warn,
  }: Pick<Resources, 'logs' | 'metrics' | 'warn'> & { stack: AsyncDisposableStack },
): Pick<Resources, 'createCache' | 'createCacheWriter' | 'createAdmissionControl'> {
  /** How Redis is reached, and what is logged of it under this name. */
  const connection = (name: string) => ({
    url,
    timeoutMs: REDIS_TIMEOUT_MS,
    onStateChange: (state: string, cause?: Error) =>
      logs.app.warn({ state, reason: cause && errorText(cause) }, `${name}: Redis breaker`),
    onConnectionError: warn(`${name}: Redis cannot be reached`),
  });
  const cacheOptions = (epochs: Pool) => ({
    ...connection('cache'),
    epochs: createCacheEpochs(epochs, LEASE_MS),
    onFault: warn('cache: no lease'),
  });
  return {
    createCache: async (epochs, { secret, onRead }) => {
      const cache = stack.use(
        await createCache({
          ...cacheOptions(epochs),
          secret,
          onRead: (kind, result, ageMs) => {
            metrics.cache.read(kind, result, ageMs);
            onRead(kind, result, ageMs);
          },
        }),
      );
      metrics.states.breaker('cache', cache);
      metrics.states.cache(cache.isTrusted);
      return cache;
    },
    createCacheWriter: async (epochs) => stack.use(await createCacheWriter(cacheOptions(epochs))),
    createAdmissionControl: async () => {
      const admission = stack.use(
        await createAdmissionControl({
          ...connection('limits'),
          prefix: 'ppuri:',
          onDecision: metrics.limiter.decided,
        }),
      );
      metrics.states.breaker('admission', admission);
      metrics.states.redis('admission', admission.isConnected);
      return admission;
    },
  };
}
