// Connects to Redis for callers that cannot wait: what Redis does not answer now is decided without it.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

export type { Redis } from 'ioredis';

/** How to reach Redis. */
export interface ConnectOptions {
  /** `redis://` or, over TLS, `rediss://`. */
  readonly url: string;
  /** Told of every attempt to connect that fails. */
  readonly onError: (error: Error) => void;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** A connection that has answered nothing for this long, in milliseconds, is replaced by a new one. */
const SOCKET_TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;

/** Connects, and again whenever the connection is lost. Commands fail at once while there is none. */
export function createRedisConnection({ url, onError }: ConnectOptions): Redis {
  const redis = new Redis(url, {
    connectionName: 'ppuri',
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    enableOfflineQueue: false,
    // A command whose connection is lost fails: sent again over the next one, it could count twice, and late.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempt, 10), MAX_RETRY_MS),
    // After a failover the old primary is read-only; its name leads to the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  redis.on('error', onError);
  return redis;
}

/** Waits until commands can be sent, or for this long, in milliseconds. */
export async function waitUntilReady(redis: Redis, timeoutMs: number): Promise<void> {
  if (redis.status === 'ready') return;
  // Errors are not reported here: the connection keeps trying, whether somebody waits or not.
  await Promise.race([
    new Promise((ready) => redis.once('ready', ready)),
    sleep(timeoutMs, undefined, { ref: false }),
  ]);
}
