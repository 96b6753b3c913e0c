// Opens what both programs and tests run on, with its logs and metrics, and closes it in reverse order.
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
import { ANY_NODE, guardsByHost, type NodeGuard } from '../db/node-guard.ts';
import type { People } from '../db/people/index.ts';
import { createPool, LEDGER_SETTINGS, type Pool, type PoolOptions } from '../db/pool.ts';
import type { Check } from '../domain/batch/command.ts';
import { errorText } from '../domain/error-fields.ts';
import { createSprinkleSeeds, type SealingKeys } from '../keys/index.ts';
import { connectionsFor, createCheck, createLedger, type Ledger } from '../ledger/index.ts';
import { cryptoRandom } from './crypto-random.ts';
import { createLogs, type Logs } from './logs.ts';
import type { CountedCalls } from './metrics/calls.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createMonthOpener } from './month-opener.ts';
import { createTracing, type Tracing } from './tracing.ts';
import type { CommonConfig } from './variables.ts';

/** How long Redis has to answer a command before a process decides without it, in milliseconds. */
const REDIS_TIMEOUT_MS = 100;
/** One renews the lease, one takes it from everybody; apart, so that a crowd of statements does not cost the lease. */
const EPOCH_CONNECTIONS = 2;

/** How many connections to its database every process opens at most: for the ledger and the lease of the cache. */
export function sharedConnections({ ledger }: Pick<CommonConfig, 'ledger'>): number {
  return connectionsFor(ledger) + EPOCH_CONNECTIONS;
}

/** How a pool differs from others; `mayBeStandby`: it may lead to any node, and its reads are checked one by one. */
export interface PoolSettings
  extends Partial<Pick<PoolOptions, 'url' | 'statementTimeoutMs' | 'giveUpMs' | 'settings'>> {
  readonly maxConnections: number;
  readonly mayBeStandby?: boolean;
}

/** What the ledger of a process is given. */
export interface LedgerNeeds {
  readonly cache: CacheWriter;
  /** How many calls may wait; more are refused at once. */
  readonly maxWaiting: number;
  /** Called when a batch could not reach Postgres. */
  readonly onUnreachable: (error: Error) => void;
  /** What seals the seeds of sprinkles; left out where these are neither made nor claimed. */
  readonly sealingKeys?: SealingKeys;
}

/**
 * Makes what a process runs on. Everything made here is disposed of with the resources, the newest first; what throws
 * leaves nothing open that was not open before.
 */
export interface Resources extends AsyncDisposable {
  readonly logs: Logs;
  readonly metrics: Metrics;
  /** Undefined where no spans are exported. */
  readonly tracing: Tracing | undefined;
  /** Takes over something else that has to be disposed of. */
  use<T extends Disposable | AsyncDisposable>(resource: T): T;
  /** Logs a warning with the error's text, under this message. */
  warn(message: string): (error: unknown) => void;
  /** Which nodes behind this URL are trusted; one for all connections to a host, so that each learns of a failover. */
  nodeGuard(url: string): NodeGuard;
  /** A pool on the process' own database, unless `url` names another; metrics call it by its name. */
  createPool(name: string, settings: PoolSettings): Pool;
  /** People and API keys, with connections of their own. Loads sequelize, which a worker has no use for. */
  createPeople(settings: { readonly maxConnections: number; readonly url?: string }): Promise<People>;
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
  /** Checks commands of the ledger over a pool without executing them. */
  createCheck(pool: Pool): Check;
  /**
   * Disposes of everything; nine tenths of the time are for that, the last one is for the logs. Returns whether all was
   * done in time; otherwise something is still open, and the process has to end.
   */
  disposeWithin(withinMs: number): Promise<boolean>;
}

/** What the process is called in traces, and the calls that metrics count by name. */
export interface AboutProcess extends CountedCalls {
  readonly serviceName: string;
}

/**
 * Creates the resources of a process, then what `compose` makes of them. Where that fails, everything that was opened is
 * closed before the error is thrown.
 */
export async function withResources<T>(
  config: ResourceConfig,
  about: AboutProcess,
  compose: (resources: Resources) => Promise<T>,
): Promise<T> {
  const resources = createResources(config, about, await createTracing(config.tracing, about.serviceName));
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
  | 'redis'
  | 'statementTimeoutMs'
  | 'ledger'
  | 'logDir'
  | 'logStdout'
  | 'logLevel'
  | 'tracing'
>;

/** Creates the resources of a process; nothing is opened yet but the logs. */
function createResources(
  config: ResourceConfig,
  about: AboutProcess,
  tracing: Tracing | undefined,
): Resources {
  const stack = new AsyncDisposableStack();
  if (tracing) stack.use(tracing);
  const metrics = createMetrics(about, tracing?.counts);
  const logs = createLogs({ folder: config.logDir, stdout: config.logStdout, level: config.logLevel });
  metrics.logs(logs.counts);
  const warn: Resources['warn'] = (message) => (error) =>
    logs.app.warn({ reason: errorText(error) }, message);
  const onIdleError = warn('lost a connection to Postgres');
  const nodeGuard = guardsByHost((timeline) =>
    logs.app.warn({ state: `timeline ${timeline}` }, 'Postgres failed over, old connections are closed'),
  );
  const tracedPeople = (people: People) => tracing?.people(people) ?? people;
  const newPool = poolFactory(config, { stack, metrics, tracing, onIdleError, nodeGuard });
  const dispose = async () => {
    await stack.disposeAsync();
    await logs[Symbol.asyncDispose]();
  };
  return {
    logs,
    metrics,
    tracing,
    warn,
    nodeGuard,
    use: (resource) => stack.use(resource),
    createPool: newPool,
    createArchivePool: (settings) =>
      config.archiveDatabaseUrl === undefined
        ? undefined
        : newPool('archive', { url: config.archiveDatabaseUrl, ...settings }),
    createEpochPool: () => newPool('epochs', { maxConnections: EPOCH_CONNECTIONS }),
    createPeople: async ({ maxConnections, url = config.databaseUrl }) => {
      const { createPeople } = await import('../db/people/index.ts');
      const { statementTimeoutMs } = config;
      const people = createPeople({ url, maxConnections, guard: nodeGuard(url), statementTimeoutMs });
      return tracedPeople(stack.use(people));
    },
    ...redisFactories(config, { stack, logs, metrics, tracing, warn, nodeGuard }),
    createCheck: (pool) => createCheck(pool, cryptoRandom),
    createLedger: ledgerFactory(config, newPool, { stack, logs, metrics, tracing }),
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

function ledgerFactory(
  { ledger: options }: ResourceConfig,
  newPool: Resources['createPool'],
  {
    stack,
    logs,
    metrics,
    tracing,
  }: Pick<Resources, 'logs' | 'metrics' | 'tracing'> & { stack: AsyncDisposableStack },
): Resources['createLedger'] {
  return ({ cache, maxWaiting, onUnreachable, sealingKeys }) => {
    const pool = newPool('ledger', { maxConnections: connectionsFor(options), settings: LEDGER_SETTINGS });
    const ledger = stack.use(
      createLedger(
        {
          pool,
          random: cryptoRandom,
          ...(sealingKeys && { seeds: createSprinkleSeeds(sealingKeys) }),
          tracer: tracing?.batches,
          beforeCommit: cacheCommitted(cache),
          onCommit: ({ posted }) => {
            for (const { transfer, requestId, trace } of posted) logs.posted(transfer, requestId, trace);
          },
          observer: {
            ...metrics.ledger,
            unreachable: onUnreachable,
            monthMissing: createMonthOpener(pool, logs),
            tooFarAhead: (accountIds) =>
              logs.app.error({ accountIds }, 'accounts are dated too far ahead of the clock: it went back'),
            countingFailed: (walletId, error) =>
              logs.app.error(
                { accountIds: [walletId], reason: errorText(error) },
                'a wallet could not be counted for its limits: calls that need it are refused',
              ),
          },
        },
        { ...options, maxWaiting },
      ),
    );
    metrics.states.ledgerQueue(() => ledger.queueLength());
    return { ledger, pool };
  };
}

function poolFactory(
  config: ResourceConfig,
  {
    stack,
    metrics,
    tracing,
    onIdleError,
    nodeGuard,
  }: Pick<Resources, 'metrics' | 'tracing' | 'nodeGuard'> & {
    stack: AsyncDisposableStack;
    onIdleError: (error: Error) => void;
  },
): Resources['createPool'] {
  return (
    name,
    { url = config.databaseUrl, statementTimeoutMs = config.statementTimeoutMs, mayBeStandby, ...settings },
  ) => {
    const guard = mayBeStandby ? ANY_NODE : nodeGuard(url);
    const pool = createPool({ url, guard, statementTimeoutMs, onIdleError, ...settings });
    stack.defer(() => pool.end());
    tracing?.pool(pool, name);
    metrics.states.pool(name, () => ({
      total: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }));
    return pool;
  };
}

function redisFactories(
  { redis, databaseUrl }: ResourceConfig,
  {
    stack,
    logs,
    metrics,
    tracing,
    warn,
    nodeGuard,
  }: Pick<Resources, 'logs' | 'metrics' | 'tracing' | 'warn' | 'nodeGuard'> & { stack: AsyncDisposableStack },
): Pick<Resources, 'createCache' | 'createCacheWriter' | 'createAdmissionControl'> {
  /** How Redis is reached, and what is logged of it under this name. */
  const connection = (name: string) => ({
    ...redis,
    timeoutMs: REDIS_TIMEOUT_MS,
    onStateChange: (state: string, cause?: Error) =>
      logs.app.warn({ state, reason: cause && errorText(cause) }, `${name}: Redis breaker`),
    onConnectionError: warn(`${name}: Redis cannot be reached`),
  });
  const cacheOptions = (epochs: Pool) => ({
    ...connection('cache'),
    epochs: createCacheEpochs(epochs, LEASE_MS, nodeGuard(databaseUrl)),
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
      return tracing?.cache(cache) ?? cache;
    },
    createCacheWriter: async (epochs) => {
      const writer = stack.use(await createCacheWriter(cacheOptions(epochs)));
      return tracing?.cacheWriter(writer) ?? writer;
    },
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
      return tracing?.admission(admission) ?? admission;
    },
  };
}
