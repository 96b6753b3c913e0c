// Seeds of sprinkles: drawn, sealed for the database, and kept in memory for the claims that follow.
import { createHmac, hash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Seed, SprinkleSeeds } from '../domain/fair-draw.ts';
import { isSealedByOld, open, type SealingKeys, seal } from './seal.ts';

/** Seeds in memory: those of the sprinkles that were made or claimed last, half a kilobyte each. */
const KEPT = 10_000;

/** The seeds of a process with the key-encryption keys. A claim pays for opening a seed only where it is the first one here. */
export function createSprinkleSeeds(sealingKeys: SealingKeys): SprinkleSeeds {
  const kept = new LRUCache<string, Seed>({ max: KEPT });
  const keep = (sprinkleId: string, bytes: Uint8Array) => {
    const seed = seedOf(bytes);
    kept.set(sprinkleId, seed);
    return seed;
  };
  return {
    draw: (sprinkleId) => {
      const bytes = randomBytes(32);
      const sealed = seal(sealingKeys, ownerOf(sprinkleId), bytes.toString('hex'));
      return { seed: keep(sprinkleId, bytes), sealed };
    },
    open: (sprinkleId, sealed) =>
      kept.get(sprinkleId) ??
      keep(sprinkleId, Buffer.from(open(sealingKeys, ownerOf(sprinkleId), sealed), 'hex')),
    sha256: (text) => hash('sha256', text, 'hex'),
  };
}

/** The seed sealed by the current key-encryption key; undefined where it already is. Throws what open() throws. */
export function resealSeed(sealingKeys: SealingKeys, sprinkleId: string, sealed: string): string | undefined {
  if (!isSealedByOld(sealingKeys, sealed)) return undefined;
  const owner = ownerOf(sprinkleId);
  return seal(sealingKeys, owner, open(sealingKeys, owner, sealed));
}

/** What a seed is bound to, so that it opens in the row of no other sprinkle or API key. */
function ownerOf(sprinkleId: string): string {
  return `sprinkle/${sprinkleId}`;
}

function seedOf(bytes: Uint8Array): Seed {
  return {
    hex: Buffer.from(bytes).toString('hex'),
    hmac: (text) => createHmac('sha512', bytes).update(text).digest(),
  };
}
