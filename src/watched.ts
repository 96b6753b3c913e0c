// Opens the parts that ops watch, each told what to record with and what to log; a piece of app.ts' wiring.
import type { Config } from './config.ts';
import { cacheEpochsIn } from './db/cache-epochs.ts';
import { openPool, type Pool } from './db/pool.ts';
import { openProbe } from './db/probe.ts';
import type { Logs } from './ops/logs.ts';
import type { Metrics } from './ops/metrics.ts';
import { type PartWatch, watchPart } from './ops/part-watch.ts';
import { type Cache, type Gate, LEASE_MS, type OpenCache, openCache, openGate } from './redis/index.ts';

const PROBE_EVERY_MS = 500;
/** Longer than a Postgres that is there is ever silent: by a false alarm all processes would leave at once. */
const PROBE_TIMEOUT_MS = 1000;

/** Opens a pool of connections to Postgres; `name` is what it is called in the metrics. */
export function openWatchedPool(
  { databaseUrl, statementTimeoutMs }: Config,
  logs: Logs,
  metrics: Metrics,
  name: string,
  maxConnections: number,
): Pool {
  const pool = openPool({
    url: databaseUrl,
    maxConnections,
    statementTimeoutMs,
    onIdleError: (error) => logs.app.warn({ reason: error.message }, 'lost a connection to Postgres'),
  });
  metrics.states.pool(name, () => ({
    total: pool.totalCount,
    idle: pool.idleCount,
    waiting: pool.waitingCount,
  }));
  return pool;
}

/** Watches Postgres, and tells when it goes away and when it is back. */
export function watchPostgres(
  config: Config,
  logs: Logs,
  metrics: Metrics,
  tell: (isThere: boolean) => void,
): PartWatch & { close(): Promise<void> } {
  const probe = openProbe(config.databaseUrl, PROBE_TIMEOUT_MS);
  const watch = watchPart({
    ask: probe.ask,
    everyMs: PROBE_EVERY_MS,
    onChange: (away) => {
      if (away) logs.app.error({ reason: away.message }, 'Postgres is away');
      else logs.app.info('Postgres is back');
      tell(!away);
    },
  });
  metrics.states.part('postgres', () => watch.away() === undefined);
  const close = async () => {
    watch.close();
    await probe.close();
  };
  return { ...watch, close };
}

/** Opens the gate that every call passes. */
export async function openWatchedGate(config: Config, logs: Logs, metrics: Metrics): Promise<Gate> {
  const gate = await openGate({
    url: config.redisUrl,
    prefix: 'ppuri:',
    timeoutMs: config.redisTimeoutMs,
    onStateChange: (state, cause) =>
      logs.app.warn({ state, reason: cause?.message }, 'limits: Redis breaker'),
    onConnectionError: (error) => logs.app.warn({ reason: error.message }, 'limits: Redis cannot be reached'),
    onDecision: metrics.limiter.decided,
  });
  metrics.states.breaker('gate', gate.state);
  metrics.states.redis('gate', gate.isConnected);
  return gate;
}

/** Opens the copies in Redis; `epochs` are the connections that its lease is kept over, which close with it. */
export async function openWatchedCache(
  config: Config,
  epochs: Pool,
  logs: Logs,
  metrics: Metrics,
): Promise<Cache & Pick<OpenCache, 'state'> & { close(): Promise<void> }> {
  const cache = await openCache({
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
    onLook: metrics.copies.looked,
  });
  metrics.states.breaker('copies', cache.state);
  metrics.states.copies(cache.isBelieved);
  const close = async () => {
    cache.close();
    await epochs.end();
  };
  return { ...cache, close };
}
