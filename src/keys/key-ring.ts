// The keys that this process knows: all of them in memory, so that checking a signature needs no query.
import { createPublicKey } from 'node:crypto';
import type { ApiKeys, StoredKey } from '../db/people/index.ts';
import { type ApiKey, nextExpiry } from '../domain/api-key.ts';
import type { Micros } from '../domain/time.ts';
import type { VerifyingKey } from '../signatures/index.ts';
import { type NetworkCheck, readNetworks } from './networks.ts';
import { open, type SealingKeys } from './seal.ts';

/** A key, ready to check with. */
export interface RingKey {
  readonly key: ApiKey;
  readonly verifying: VerifyingKey;
  readonly allows: NetworkCheck;
}

/** What the ring works with. */
export interface KeyRingOptions {
  readonly apiKeys: ApiKeys;
  readonly sealingKeys: SealingKeys;
  /** How often all keys are read again, in milliseconds: the maximum time until a change is noticed. */
  readonly refreshMs: number;
  /** How often counts of use are written, in milliseconds. */
  readonly countMs: number;
  /** Called for a key that cannot be used, and when the database does not answer; the ring keeps the keys that it has. */
  readonly onFault: (error: unknown, keyId: string | undefined) => void;
}

/** The keys of one process. */
export interface KeyRing {
  /** The key with this id, whatever its state; undefined when there is none. */
  find(keyId: string): RingKey | undefined;
  /** When the first of the live keys expires that nothing replaces yet; undefined if none of them expires. */
  nextExpiry(at: Micros): Micros | undefined;
  /** Counts one use. */
  used(keyId: string): void;
  /** Reads all keys again, now. */
  refresh(): Promise<void>;
  /** Writes the remaining counts. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Reads all keys and keeps them fresh. */
export async function createKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  let keys = new Map<string, RingKey>();
  let uses = new Map<string, number>();

  const refresh = async () => {
    const fresh = new Map<string, RingKey>();
    for (const stored of await options.apiKeys.list()) {
      try {
        fresh.set(stored.id, toRingKey(stored, options.sealingKeys));
      } catch (error) {
        options.onFault(error, stored.id);
      }
    }
    keys = fresh;
  };
  const writeUses = async () => {
    if (uses.size === 0) return;
    const counted = uses;
    uses = new Map();
    await options.apiKeys.countUses(counted);
  };
  const every = (ms: number, work: () => Promise<void>) =>
    setInterval(() => void work().catch((error: unknown) => options.onFault(error, undefined)), ms);

  await refresh();
  const timers = [every(options.refreshMs, refresh), every(options.countMs, writeUses)];
  return {
    find: (keyId) => keys.get(keyId),
    nextExpiry: (at) =>
      nextExpiry(
        keys.values().map(({ key }) => key),
        at,
      ),
    used: (keyId) => uses.set(keyId, (uses.get(keyId) ?? 0) + 1),
    refresh,
    [Symbol.asyncDispose]: async () => {
      for (const timer of timers) clearInterval(timer);
      await writeUses().catch((error: unknown) => options.onFault(error, undefined));
    },
  };
}

function toRingKey(stored: StoredKey, sealingKeys: SealingKeys): RingKey {
  const { sealedSecret, publicKey, ...key } = stored;
  const allows = readNetworks(stored.allowedNetworks, 'allowed_networks');
  if (sealedSecret !== undefined) {
    const secret = Buffer.from(open(sealingKeys, stored.id, sealedSecret));
    return { key, allows, verifying: { kind: 'hmac-sha256', secret } };
  }
  return { key, allows, verifying: { kind: 'ed25519', publicKey: createPublicKey(publicKey ?? '') } };
}
