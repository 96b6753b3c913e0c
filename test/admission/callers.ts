// Calls as the tests make them, and the ways to let them in.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { type AdmissionControl, createAdmissionControl } from '../../src/admission/admission-control.ts';
import { createRedisAdmission, type RedisAdmission } from '../../src/admission/redis-admission.ts';
import type { AdmissionRequest, CapCheck, LimitCharge } from '../../src/admission/request.ts';
import { createRedisConnection, type Redis, waitUntilReady } from '../../src/redis/connection.ts';
import { type BreakerState, createBreaker } from '../../src/resilience/index.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';

/** How long the controls of tests wait for Redis. */
export const TIMEOUT_MS = 100;

/** A call with a nonce of its own. */
export function call(overrides: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return { nonce: nonce(), limits: [], caps: [], ...overrides };
}

export function nonce(key: string = crypto.randomUUID(), edgeRequestId = '') {
  return { key, edgeRequestId, ttlMs: 65_000 };
}

/** So many calls a second that none comes back while a test runs, however busy the machine is. */
export const SLOWLY = 1 / 60;

/** A limit on one user. */
export function perUser(ratePerSecond: number, burst: number, more: Partial<LimitCharge> = {}): LimitCharge {
  return { name: 'user', key: '1001', ratePerSecond, burst, cost: 1, ...more };
}

/** A cap of so many failures in so many milliseconds, on a guesser of its own. */
export function cap(count: number, windowMs: number, more: Partial<CapCheck> = {}): CapCheck {
  const windows = [{ count, windowMs }];
  return { name: 'token', key: crypto.randomUUID(), windows, isGuess: false, ...more };
}

/** A connection of its own, as another process has it. */
export async function connectTo(url: string): Promise<Redis> {
  const redis = createRedisConnection({ url, onError: () => {} });
  await waitUntilReady(redis, 5_000);
  return redis;
}

/** So many connections to one Redis, and what each of them shares through it. */
export async function shareAmong(count: number, url: string, prefix: string) {
  const connections = await Promise.all(Array.from({ length: count }, () => connectTo(url)));
  const breaker = createBreaker({ timeoutMs: 5_000, capacity: 10_000, onStateChange: () => {} });
  const sharers: readonly RedisAdmission[] = connections.map((redis) =>
    createRedisAdmission(redis, prefix, breaker),
  );
  const close = () => {
    breaker[Symbol.dispose]();
    for (const redis of connections) redis.disconnect();
  };
  return { connections, sharers, close };
}

/** Two connections to a Redis of the file's own, from before its tests until after them. */
export function usePeers(prefix: string) {
  let redis: OwnRedis | undefined;
  let peers: Awaited<ReturnType<typeof shareAmong>> | undefined;
  before(async () => {
    if (withoutRedis) return;
    redis = await startOwnRedis();
    peers = await shareAmong(2, redis.url, prefix);
  });
  after(async () => {
    peers?.close();
    await redis?.stop();
  });
  return {
    redisUrl: () => redis?.url ?? '',
    /** What calls are let in by; both, in turns. */
    peer: (index: number): RedisAdmission => peers?.sharers[index % 2] ?? assert.fail(),
    connection: (index: number): Redis => peers?.connections[index % 2] ?? assert.fail(),
  };
}

/** A control, and what became of its Redis in the course of time. */
export async function createControl(
  url: string,
  prefix: string,
): Promise<AdmissionControl & { readonly states: BreakerState[] }> {
  const states: BreakerState[] = [];
  const control = await createAdmissionControl({
    url,
    prefix,
    timeoutMs: TIMEOUT_MS,
    onStateChange: (state) => states.push(state),
    onConnectionError: () => {},
  });
  return { ...control, states };
}
