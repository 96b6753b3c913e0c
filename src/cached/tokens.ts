// What a room's tokens mean, from Redis where a copy is right: claims of what is over or never was cost no database work.
import type { Pool } from '../db/pool.ts';
import { findToken, hasClaimed, type TokenView } from '../db/reads/tokens.ts';
import type { Cache, Kind } from '../redis/index.ts';
import { jsonKind } from './json.ts';
import { MISSING_TTL_MS, TTL_MS } from './lifetimes.ts';

/** Reads tokens. */
export interface Tokens {
  /** Undefined where the room never had a sprinkle with this token. Counts of claims are final where nothing is left. */
  find(roomId: string, token: string): Promise<TokenView | undefined>;
  /** Whether a user has a share of a sprinkle; only for sprinkles of which nothing changes any more. */
  hasClaimed(sprinkleId: string, userId: bigint): Promise<boolean>;
}

/** Names a token among all rooms'. */
export function tokenId(roomId: string, token: string): string {
  return `${roomId}/${token}`;
}

/** Tokens. The copy of one that can still be claimed goes when that is over, so that the next look sees the end of it. */
export const TOKEN: Kind<TokenView | undefined> = {
  ...jsonKind<TokenView>('token1'),
  ttlMs: (token) => {
    if (!token) return MISSING_TTL_MS;
    return token.leftMs === 0 ? TTL_MS : Math.min(TTL_MS, token.leftMs);
  },
  versionOf: (token) => token?.sprinkle.createdAt ?? 0,
};

const FINAL_CLAIM = jsonKind<boolean>('final-claim1');

/** Reads tokens through the cache. */
export function cachedTokens(cache: Cache, pool: Pool): Tokens {
  return {
    find: (roomId, token) => cache.read(TOKEN, tokenId(roomId, token), () => findToken(pool, roomId, token)),
    hasClaimed: async (sprinkleId, userId) => {
      const load = () => hasClaimed(pool, sprinkleId, userId);
      return (await cache.read(FINAL_CLAIM, `${sprinkleId}/${userId}`, load)) ?? false;
    },
  };
}
