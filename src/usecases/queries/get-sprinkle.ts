// Reads sprinkles for their creators and the members of their rooms, for as long as the limits allow.
import type { SprinklePlace, SprinkleView } from '../../db/reads/index.ts';
import type { Seed } from '../../domain/fair-draw.ts';
import type { Page } from '../../domain/page.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import { type Claim, mayLookUp, type Sprinkle, type SprinkleDraw } from '../../domain/sprinkle.ts';
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

/** A sprinkle of a room of which the acting user is a member, or one that it made. Refuses SPRINKLE_NOT_FOUND. */
export async function getSprinkleById(
  core: Core,
  userId: bigint,
  roomId: string,
  id: string,
): Promise<SprinkleWithClaims> {
  const isMember = (await core.rooms.findMember(roomId, userId)) !== undefined;
  return shown(await core.sprinkles.findById(roomId, id, mayShow(core, userId, isMember)), 'sprinkle_id');
}

/** What a sprinkle that is over is checked by. */
export interface SprinkleProof {
  readonly sprinkle: Sprinkle;
  readonly draw: SprinkleDraw;
  readonly seed: Seed;
  readonly claims: readonly Claim[];
}

/** The proof of a sprinkle of such a room. Refuses SPRINKLE_NOT_FOUND, SPRINKLE_OPEN, SPRINKLE_WITHOUT_PROOF. */
export async function getSprinkleProof(
  core: Core,
  userId: bigint,
  roomId: string,
  id: string,
): Promise<SprinkleProof> {
  const isMember = (await core.rooms.findMember(roomId, userId)) !== undefined;
  const found = await core.sprinkles.findDraw(roomId, id);
  if (!found || !mayShow(core, userId, isMember)(found))
    throw refuseField('SPRINKLE_NOT_FOUND', 'sprinkle_id');
  const { sprinkle, sealedSeed, isFinal, claims } = found;
  const { draw } = sprinkle;
  if (!draw || sealedSeed === undefined) throw new Refusal('SPRINKLE_WITHOUT_PROOF');
  if (!isFinal) throw new Refusal('SPRINKLE_OPEN');
  return { sprinkle, draw, seed: core.seeds.open(sprinkle.id, sealedSeed), claims };
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

/** The sprinkles of a room of which the acting user is a member, newest first, one page. Refuses ROOM_NOT_FOUND. */
export async function listRoomSprinkles(
  core: Core,
  userId: bigint,
  roomId: string,
  after: SprinklePlace | undefined,
  size: number,
): Promise<Page<SprinkleView, SprinklePlace>> {
  if (!(await core.rooms.findMember(roomId, userId))) throw refuseField('ROOM_NOT_FOUND', 'room_id');
  return core.sprinkles.listOfRoom(roomId, core.limits.sprinkleLookupMs, after, size);
}

function mayShow({ limits }: Core, userId: bigint, isMember = false): (view: SprinkleView) => boolean {
  return ({ sprinkle, at }) => mayLookUp(sprinkle, { userId, isMember }, at, limits.sprinkleLookupMs);
}

function shown(found: SprinkleWithClaims | undefined, field: string): SprinkleWithClaims {
  if (!found) throw refuseField('SPRINKLE_NOT_FOUND', field);
  return found;
}
