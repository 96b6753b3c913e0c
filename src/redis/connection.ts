// Connects to Redis for callers that cannot wait: what Redis does not answer now is decided without it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { openRedis, type RedisAddress } from './address.ts';

export type { Redis } from 'ioredis';

/** How to reach Redis, and who is told. */
export interface ConnectOptions extends RedisAddress {
  /** Called for every attempt to connect that fails. */
  readonly onError: (error: Error) => void;
}

/** A connection that has answered nothing for this long, in milliseconds, is replaced by a new one. */
const SOCKET_TIMEOUT_MS = 5_000;

/** Connects, and again whenever the connection is lost. Commands fail at once while there is none. */
export function createRedisConnection({ onError, ...address }: ConnectOptions): Redis {
  const redis = openRedis(address, {
    connectionName: 'ppuri',
    socketTimeout: SOCKET_TIMEOUT_MS,
    enableOfflineQueue: false,
    // A command whose connection is lost fails: sent again over the next one, it could count twice, and late.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
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
