// Shows sprinkles to their creator, for as long as the limits say.
import {
  findSprinkleById,
  findSprinkleByToken,
  listClaims,
  listSprinkles,
  type SprinklePlace,
  type SprinkleView,
} from '../db/reads/sprinkles.ts';
import type { Page } from '../domain/page.ts';
import { refuseField } from '../domain/refusal.ts';
import { type Claim, mayLookUp } from '../domain/sprinkle.ts';
import type { Core } from './core.ts';

export type { SprinkleView } from '../db/reads/sprinkles.ts';

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
  return shown(core, userId, await findSprinkleByToken(core.reads, userId, roomId, token), 'token');
}

/** The acting user's sprinkle with this id. Refuses SPRINKLE_NOT_FOUND. */
export async function getSprinkleById(
  core: Core,
  userId: bigint,
  roomId: string,
  id: string,
): Promise<SprinkleWithClaims> {
  return shown(core, userId, await findSprinkleById(core.reads, roomId, id), 'sprinkle_id');
}

/** The acting user's sprinkles in a room, newest first, one page. */
export async function listOwnSprinkles(
  core: Core,
  userId: bigint,
  roomId: string,
  after: SprinklePlace | undefined,
  size: number,
): Promise<Page<SprinkleView, SprinklePlace>> {
  return listSprinkles(core.reads, userId, roomId, core.limits.sprinkleLookupMs, after, size);
}

async function shown(
  core: Core,
  userId: bigint,
  view: SprinkleView | undefined,
  field: string,
): Promise<SprinkleWithClaims> {
  if (!view || !mayLookUp(view.sprinkle, userId, view.at, core.limits.sprinkleLookupMs)) {
    throw refuseField('SPRINKLE_NOT_FOUND', field);
  }
  // Claims are only ever added, in order, so those up to the count that was read belong to the same moment.
  return { ...view, claims: await listClaims(core.reads, view.sprinkle.id, view.sprinkle.claimedCount) };
}
