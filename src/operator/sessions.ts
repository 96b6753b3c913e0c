// Who is signed in at the operator's page: sessions in Redis, by the hash of a random token that only the browser has.
import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../domain/refusal.ts';
import type { SealingKeys } from '../keys/index.ts';
import { createRedisConnection, type RedisAddress } from '../redis/index.ts';

/** A session that has not ended. */
export interface Session {
  readonly keyId: string;
  /** In milliseconds since 1970. */
  readonly startedAt: number;
}

/** How long a session lasts, in milliseconds. */
export interface SessionTimes {
  /** Without a request. */
  readonly idleMs: number;
  /** In any case. */
  readonly absoluteMs: number;
}

export const SESSION_TIMES: SessionTimes = { idleMs: 15 * 60_000, absoluteMs: 8 * 3_600_000 };

/** Sessions. All of it refuses UNAVAILABLE where Redis does not answer. */
export interface Sessions extends Disposable {
  /** Returns the token of a new session. */
  create(keyId: string): Promise<string>;
  /** Undefined where there is none with this token, or it is over; otherwise its idle time begins again. */
  find(token: string): Promise<Session | undefined>;
  end(token: string): Promise<void>;
}

/** What sessions are kept with. */
export interface SessionOptions {
  readonly redis: RedisAddress;
  readonly sealingKeys: SealingKeys;
  readonly times: SessionTimes;
  readonly onError: (error: Error) => void;
}

const TOKEN = /^[\w-]{43}$/;
const TOKEN_BYTES = 32;
const PREFIX = 'ppuri:operator-session:';
/** How long Redis has for an answer, in milliseconds. */
const TIMEOUT_MS = 1_000;
const RETRY_AFTER_MS = 1_000;

/**
 * Keeps sessions. Redis never sees a token, so nobody signs in with what it holds; and each entry has a MAC under a key that
 * is derived (RFC 5869) from the one that seals API keys, so nobody makes a session by writing to Redis.
 */
export function createSessions({ redis: address, sealingKeys, times, onError }: SessionOptions): Sessions {
  const redis = createRedisConnection({ ...address, onError });
  const secret = Buffer.from(hkdfSync('sha256', sealingKeys[0].key, '', 'ppuri operator sessions', 32));
  const macOf = (name: string, keyId: string, startedAt: string) =>
    createHmac('sha256', secret).update(`${name}\n${keyId}\n${startedAt}`).digest();
  return {
    async create(keyId) {
      const token = randomBytes(TOKEN_BYTES).toString('base64url');
      const name = nameOf(token);
      const startedAt = String(Date.now());
      const entry = `${keyId} ${startedAt} ${macOf(name, keyId, startedAt).toString('base64url')}`;
      await inTime(redis.set(name, entry, 'PX', times.idleMs));
      return token;
    },
    async find(token) {
      if (!TOKEN.test(token)) return undefined;
      const name = nameOf(token);
      const entry = await inTime(redis.getex(name, 'PX', times.idleMs));
      const [keyId = '', startedAt = '', mac = ''] = entry?.split(' ') ?? [];
      if (!isSame(Buffer.from(mac, 'base64url'), macOf(name, keyId, startedAt))) return undefined;
      if (Date.now() < Number(startedAt) + times.absoluteMs) return { keyId, startedAt: Number(startedAt) };
      await inTime(redis.del(name));
      return undefined;
    },
    async end(token) {
      if (TOKEN.test(token)) await inTime(redis.del(nameOf(token)));
    },
    [Symbol.dispose]: () => redis.disconnect(),
  };
}

/** What a form must bring along besides the cookie, which browsers send by themselves; only the page of the session has it. */
export function formTokenOf(token: string): string {
  return createHash('sha256').update(`form of ${token}`).digest('base64url');
}

/** Compares texts of any lengths in constant time. */
export function isSameText(one: string, other: string): boolean {
  const digestOf = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digestOf(one), digestOf(other));
}

function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function nameOf(token: string): string {
  return PREFIX + createHash('sha256').update(token).digest('base64url');
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  const late = Symbol();
  const first = await Promise.race([answer, sleep(TIMEOUT_MS, late, { ref: false })]).catch(() => late);
  if (first === late) throw new Refusal('UNAVAILABLE', { retryAfterMs: RETRY_AFTER_MS });
  return first as T;
}
