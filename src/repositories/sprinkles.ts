// Sprinkles: what a token means through the cache, what their creators look up from the replica.
import { FINAL_CLAIM, TOKEN, tokenId } from '../cache/index.ts';
import type { Reader } from '../db/pool.ts';
import {
  type DrawView,
  findDraw,
  findSprinkleById,
  findSprinkleByToken,
  findToken,
  hasClaimed,
  listClaims,
  listRoomSprinkles,
  listSprinkles,
  type SprinklePlace,
  type SprinkleView,
  type TokenView,
} from '../db/reads/index.ts';
import { findSprinkleMarks, type SprinkleMark } from '../db/watch/index.ts';
import type { Page } from '../domain/page.ts';
import type { Claim, Sprinkle } from '../domain/sprinkle.ts';
import { createPoller, createSingleflight, type NewsOrQuiet, QUIET } from '../resilience/index.ts';
import type { ReadSources } from './sources.ts';

/** Poll interval in milliseconds. */
const POLL_AFTER_MS = 500;

/** A sprinkle with who claimed what. */
export interface SprinkleWithClaims extends SprinkleView {
  readonly claims: readonly Claim[];
}

/** A sprinkle with its draw and who claimed what. */
export interface DrawWithClaims extends DrawView {
  readonly claims: readonly Claim[];
}

/** What a watcher was shown of a sprinkle. */
export type ShownSprinkle = Pick<Sprinkle, 'id' | 'claimedCount'>;

export type { SprinkleMark } from '../db/watch/index.ts';

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
  /**
   * The sprinkle of a room with this id; undefined where there is none that may be shown. Those who ask at the same time, as all
   * who watch it do, share what is read.
   */
  findById(
    roomId: string,
    id: string,
    mayShow: (view: SprinkleView) => boolean,
  ): Promise<SprinkleWithClaims | undefined>;
  /**
   * The mark of a sprinkle as soon as it has other claims or nothing of it changes any more, half a second later at most; QUIET
   * where that does not happen within `quietMs` milliseconds, and undefined where it is gone. All who wait share one poll. Rejects
   * with the signal's reason once that is aborted.
   */
  nextMark(
    shown: ShownSprinkle,
    quietMs: number,
    signal: AbortSignal,
  ): Promise<NewsOrQuiet<SprinkleMark | undefined>>;
  /** The sprinkle of a room with this id. */
  find(roomId: string, id: string): Promise<Sprinkle | undefined>;
  /** The draw of the sprinkle of a room with this id, without claims while it is not final. */
  findDraw(roomId: string, id: string): Promise<DrawWithClaims | undefined>;
  /** The sprinkles that a user made in a room within the last `lookupMs` milliseconds, newest first, one page. */
  list(
    creatorUserId: bigint,
    roomId: string,
    lookupMs: number,
    after: SprinklePlace | undefined,
    size: number,
  ): Promise<Page<SprinkleView, SprinklePlace>>;
  /** The same of everybody in a room. */
  listOfRoom(
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

  const poller = createPoller(POLL_AFTER_MS, async (shown: readonly ShownSprinkle[]) => {
    const marks = await findSprinkleMarks(primary, [...new Set(shown.map(({ id }) => id))]);
    return shown.map(({ id, claimedCount }) => {
      const mark = marks.get(id);
      return mark && !mark.isFinal && mark.claimedCount === claimedCount ? QUIET : mark;
    });
  });
  const singleflight = createSingleflight();

  return {
    findToken: (roomId, token) =>
      cache.read(TOKEN, tokenId(roomId, token), () => findToken(primary, roomId, token)),
    hasClaimed: async (sprinkleId, userId) => {
      const load = () => hasClaimed(primary, sprinkleId, userId);
      return (await cache.read(FINAL_CLAIM, `${sprinkleId}/${userId}`, load)) ?? false;
    },
    findByToken: (creatorUserId, roomId, token, mayShow) =>
      findWithClaims((db) => findSprinkleByToken(db, creatorUserId, roomId, token), mayShow),
    findById: async (roomId, id, mayShow) => {
      const find = () =>
        findWithClaims(
          (db) => findSprinkleById(db, roomId, id),
          () => true,
        );
      const found = await singleflight.do(`${roomId}/${id}`, find);
      return found && mayShow(found) ? found : undefined;
    },
    nextMark: poller.next,
    find: async (roomId, id) => (await findSprinkleById(primary, roomId, id))?.sprinkle,
    findDraw: async (roomId, id) => {
      const view = await findDraw(primary, roomId, id);
      if (!view) return undefined;
      const { id: sprinkleId, claimedCount } = view.sprinkle;
      return { ...view, claims: view.isFinal ? await listClaims(primary, sprinkleId, claimedCount) : [] };
    },
    list: (creatorUserId, roomId, lookupMs, after, size) =>
      readFromReplica((db) => listSprinkles(db, creatorUserId, roomId, lookupMs, after, size)),
    listOfRoom: (roomId, lookupMs, after, size) =>
      readFromReplica((db) => listRoomSprinkles(db, roomId, lookupMs, after, size)),
  };
}
