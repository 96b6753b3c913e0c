// Reads sprinkles for their creator, for as long as the limits allow.
import type { SprinklePlace, SprinkleView } from '../../db/reads/index.ts';
import type { Page } from '../../domain/page.ts';
import { refuseField } from '../../domain/refusal.ts';
import { mayLookUp } from '../../domain/sprinkle.ts';
import type { SprinkleWithClaims } from '../../repositories/index.ts';
import type { Core } from '../core.ts';

export type { SprinkleView } from '../../db/reads/index.ts';

/** The acting user's last sprinkle under a token. Refuses SPRINKLE_NOT_FOUND. */
export async function getSprinkleByToken(
  core: Core,
  userId: bigint,
  roomId: string,
  token: string,
): Promise<SprinkleWithClaims> {
  return shown(await core.sprinkles.findByToken(userId, roomId, token, mayShow(core, userId)), 'token');
}

/** The acting user's sprinkle with this id. Refuses SPRINKLE_NOT_FOUND. */
export async function getSprinkleById(
  core: Core,
  userId: bigint,
  roomId: string,
  id: string,
): Promise<SprinkleWithClaims> {
  return shown(await core.sprinkles.findById(roomId, id, mayShow(core, userId)), 'sprinkle_id');
}

/** The acting user's sprinkles in a room, newest first, one page. */
export async function listOwnSprinkles(
  core: Core,
  userId: bigint,
  roomId: string,
  after: SprinklePlace | undefined,
  size: number,
): Promise<Page<SprinkleView, SprinklePlace>> {
  return core.sprinkles.list(userId, roomId, core.limits.sprinkleLookupMs, after, size);
}

function mayShow({ limits }: Core, userId: bigint): (view: SprinkleView) => boolean {
  return ({ sprinkle, at }) => mayLookUp(sprinkle, userId, at, limits.sprinkleLookupMs);
}

function shown(found: SprinkleWithClaims | undefined, field: string): SprinkleWithClaims {
  if (!found) throw refuseField('SPRINKLE_NOT_FOUND', field);
  return found;
}
