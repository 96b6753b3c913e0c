// Shows sprinkles to their creator, for as long as the limits say.
import type { Reader } from '../../db/pool.ts';
import {
  findSprinkleById,
  findSprinkleByToken,
  listClaims,
  listSprinkles,
  type SprinklePlace,
  type SprinkleView,
} from '../../db/reads/sprinkles.ts';
import type { Page } from '../../domain/page.ts';
import { refuseField } from '../../domain/refusal.ts';
import { type Claim, mayLookUp } from '../../domain/sprinkle.ts';
import type { Core } from '../core.ts';

export type { SprinkleView } from '../../db/reads/sprinkles.ts';

/** A sprinkle with who grabbed what. */
export interface SprinkleWithClaims extends SprinkleView {
  readonly claims: readonly Claim[];
}

/** The acting user's last sprinkle under a token. Refuses SPRINKLE_NOT_FOUND. */
export async function getSprinkleByToken(
  core: Core,
  userId: bigint,
  roomId: string,
  token: string,
): Promise<SprinkleWithClaims> {
  return shown(core, userId, (db) => findSprinkleByToken(db, userId, roomId, token), 'token');
}

/** The acting user's sprinkle with this id. Refuses SPRINKLE_NOT_FOUND. */
export async function getSprinkleById(
  core: Core,
  userId: bigint,
  roomId: string,
  id: string,
): Promise<SprinkleWithClaims> {
  return shown(core, userId, (db) => findSprinkleById(db, roomId, id), 'sprinkle_id');
}

/** The acting user's sprinkles in a room, newest first, one page. */
export async function listOwnSprinkles(
  core: Core,
  userId: bigint,
  roomId: string,
  after: SprinklePlace | undefined,
  size: number,
): Promise<Page<SprinkleView, SprinklePlace>> {
  return core.lookUp((db) => listSprinkles(db, userId, roomId, core.limits.sprinkleLookupMs, after, size));
}

async function shown(
  core: Core,
  userId: bigint,
  find: (db: Reader) => Promise<SprinkleView | undefined>,
  field: string,
): Promise<SprinkleWithClaims> {
  const found = await core.lookUp(async (db) => {
    const view = await find(db);
    if (!view || !mayLookUp(view.sprinkle, userId, view.at, core.limits.sprinkleLookupMs)) return undefined;
    // Claims are only ever added, in order, so those up to the count that was read belong to the same moment.
    return { ...view, claims: await listClaims(db, view.sprinkle.id, view.sprinkle.claimedCount) };
  });
  if (!found) throw refuseField('SPRINKLE_NOT_FOUND', field);
  return found;
}
