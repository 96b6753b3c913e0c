// Sprinkles: what a token means through the cache, what their creators look up from the replica.
import { FINAL_CLAIM, TOKEN, tokenId } from '../cache/index.ts';
import type { Reader } from '../db/pool.ts';
import {
  findSprinkleById,
  findSprinkleByToken,
  findToken,
  hasClaimed,
  listClaims,
  listSprinkles,
  type SprinklePlace,
  type SprinkleView,
  type TokenView,
} from '../db/reads/index.ts';
import type { Page } from '../domain/page.ts';
import type { Claim } from '../domain/sprinkle.ts';
import type { ReadSources } from './sources.ts';

/** A sprinkle with who claimed what. */
export interface SprinkleWithClaims extends SprinkleView {
  readonly claims: readonly Claim[];
}

/** Reads sprinkles. Everything throws what Postgres does. */
export interface SprinkleRepository {
  /**
   * Undefined where the room never had a sprinkle with this token. Claims that are refused for what is found here take no
   * lock. Counts of claims are final once nothing of the sprinkle changes any more (`leftMs` is 0).
   */
  findToken(roomId: string, token: string): Promise<TokenView | undefined>;
  /** Whether a user has a share of a sprinkle; only for sprinkles of which nothing changes any more. */
  hasClaimed(sprinkleId: string, userId: bigint): Promise<boolean>;
  /** The last sprinkle that a user made in a room under a token; undefined where there is none that may be shown. */
  findByToken(
    creatorUserId: bigint,
    roomId: string,
    token: string,
    mayShow: (view: SprinkleView) => boolean,
  ): Promise<SprinkleWithClaims | undefined>;
  /** The sprinkle of a room with this id; undefined where there is none that may be shown. */
  findById(
    roomId: string,
    id: string,
    mayShow: (view: SprinkleView) => boolean,
  ): Promise<SprinkleWithClaims | undefined>;
  /** The sprinkles that a user made in a room within the last `lookupMs` milliseconds, newest first, one page. */
  list(
    creatorUserId: bigint,
    roomId: string,
    lookupMs: number,
    after: SprinklePlace | undefined,
    size: number,
  ): Promise<Page<SprinkleView, SprinklePlace>>;
}

export function createSprinkleRepository(sources: ReadSources): SprinkleRepository {
  const { cache, primary, readFromReplica } = sources;

  const findWithClaims = (
    find: (db: Reader) => Promise<SprinkleView | undefined>,
    mayShow: (view: SprinkleView) => boolean,
  ) =>
    readFromReplica(async (db) => {
      const view = await find(db);
      if (!view || !mayShow(view)) return undefined;
      // Claims are only ever added, in order: those up to the count that was read belong to the same moment.
      return { ...view, claims: await listClaims(db, view.sprinkle.id, view.sprinkle.claimedCount) };
    });

  return {
    findToken: (roomId, token) =>
      cache.read(TOKEN, tokenId(roomId, token), () => findToken(primary, roomId, token)),
    hasClaimed: async (sprinkleId, userId) => {
      const load = () => hasClaimed(primary, sprinkleId, userId);
      return (await cache.read(FINAL_CLAIM, `${sprinkleId}/${userId}`, load)) ?? false;
    },
    findByToken: (creatorUserId, roomId, token, mayShow) =>
      findWithClaims((db) => findSprinkleByToken(db, creatorUserId, roomId, token), mayShow),
    findById: (roomId, id, mayShow) => findWithClaims((db) => findSprinkleById(db, roomId, id), mayShow),
    list: (creatorUserId, roomId, lookupMs, after, size) =>
      readFromReplica((db) => listSprinkles(db, creatorUserId, roomId, lookupMs, after, size)),
  };
}
