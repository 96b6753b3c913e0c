// API keys: their ids, scopes and states.
import type { Random } from './random.ts';
import { Refusal } from './refusal.ts';
import { afterMs, type Micros } from './time.ts';

/** What a key may be allowed to do. */
export const SCOPES = ['read', 'pay', 'fund', 'admin', 'events'] as const;

/** What a key may be allowed to do. */
export type Scope = (typeof SCOPES)[number];

/** How a key signs (RFC 9421, section 6.2). */
export type KeyKind = 'hmac-sha256' | 'ed25519';

/** The state of a key. Active and retiring keys are live. */
export type KeyState = 'pending' | 'active' | 'retiring' | 'revoked' | 'expired';

/** A key, without its secret or public key. */
export interface ApiKey {
  readonly id: string;
  readonly displayName: string;
  readonly kind: KeyKind;
  readonly scopes: readonly Scope[];
  /** The only user that it may act for; any user if undefined. */
  readonly userId: bigint | undefined;
  /** CIDR blocks; any address if empty. */
  readonly allowedNetworks: readonly string[];
  /** Its own rate limit in cost units per second. */
  readonly ratePerSecond: number | undefined;
  readonly replacesId: string | undefined;
  readonly createdAt: Micros;
  readonly activeFrom: Micros;
  readonly revokedAt: Micros | undefined;
  readonly expiresAt: Micros | undefined;
  readonly useCount: bigint;
  readonly lastUsedAt: Micros | undefined;
}

/** How long a replaced key stays usable at most. */
const MAX_OVERLAP_MS = 48 * 3_600_000;

/** The state of a key at a moment. A revocation in the future makes it retiring. */
export function keyStateOf(key: ApiKey, at: Micros): KeyState {
  if (key.revokedAt !== undefined && key.revokedAt <= at) return 'revoked';
  if (key.expiresAt !== undefined && key.expiresAt <= at) return 'expired';
  if (at < key.activeFrom) return 'pending';
  return key.revokedAt === undefined ? 'active' : 'retiring';
}

/** Whether a key can sign calls at a moment. */
export function isLive(key: ApiKey, at: Micros): boolean {
  const state = keyStateOf(key, at);
  return state === 'active' || state === 'retiring';
}

/** When the first of the live keys expires that nothing replaces yet; undefined if none of them expires. */
export function nextExpiry(keys: Iterable<ApiKey>, at: Micros): Micros | undefined {
  let next: Micros | undefined;
  for (const key of keys) {
    // A key that is replaced ends when its overlap is over: it is retiring.
    if (key.expiresAt === undefined || keyStateOf(key, at) !== 'active') continue;
    if (next === undefined || key.expiresAt < next) next = key.expiresAt;
  }
  return next;
}

/** The default lifetime of a key. */
export const DEFAULT_LIFETIME_MS = 365 * 24 * 3_600_000;

/** When the successor of a key expires: after the same lifetime; never if the old key never expires. */
export function endOfSuccessor(
  old: Pick<ApiKey, 'activeFrom' | 'expiresAt'>,
  at: Micros,
): Micros | undefined {
  return old.expiresAt === undefined ? undefined : at + (old.expiresAt - old.activeFrom);
}

/** The rights of a key, which it can pass on to others. */
export type Rights = Pick<ApiKey, 'scopes' | 'userId' | 'allowedNetworks' | 'ratePerSecond'>;

/** A right that a key may lack, by its field in requests. */
type RightField = 'scopes' | 'user_id' | 'allowed_networks' | 'rate_per_second';

/**
 * The first right that is wider than the granter's own; undefined if there is none. A granter with a rate of its own cannot
 * give a larger one, nor the default. `liesWithin` compares networks.
 */
export function tooWide(
  granter: Rights,
  wanted: Rights,
  lieWithin: (networks: readonly string[], others: readonly string[]) => boolean,
): RightField | undefined {
  if (!wanted.scopes.every((scope) => granter.scopes.includes(scope))) return 'scopes';
  if (granter.userId !== undefined && wanted.userId !== granter.userId) return 'user_id';
  if (!lieWithin(wanted.allowedNetworks, granter.allowedNetworks)) return 'allowed_networks';
  const { ratePerSecond: most } = granter;
  if (most !== undefined && (wanted.ratePerSecond === undefined || wanted.ratePerSecond > most))
    return 'rate_per_second';
  return undefined;
}

/** When a key that is replaced now expires. Refuses a key that is already being replaced, or is not live. */
export function endOfReplaced(key: ApiKey, at: Micros, overlapMs: number): Micros {
  if (keyStateOf(key, at) !== 'active') throw new Refusal('KEY_NOT_ACTIVE');
  const end = afterMs(at, Math.min(overlapMs, MAX_OVERLAP_MS));
  return key.expiresAt === undefined ? end : Math.min(end, key.expiresAt);
}

const PREFIX = 'ppk_live_';
const RANDOM_DIGITS = 24;

/**
 * Draws the id of a new key: the prefix, 24 random hexadecimal digits, and six digits of a checksum over them, with which
 * secret scanners tell leaked ids from similar texts.
 */
export function drawKeyId(random: Random): string {
  const digits = (random.uuid() + random.uuid()).replaceAll('-', '').slice(0, RANDOM_DIGITS);
  return `${PREFIX}${digits}${checksumOf(digits)}`;
}

/** The last 24 bits of a CRC-32 (ISO 3309), in hexadecimal. */
function checksumOf(text: string): string {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (~crc >>> 0).toString(16).padStart(8, '0').slice(2);
}
