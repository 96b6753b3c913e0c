// Streams a sprinkle to those who may see it, until nothing of it changes any more.
import { stateOf } from '../../domain/sprinkle.ts';
import { QUIET, type SprinkleWithClaims } from '../../repositories/index.ts';
import type { Core } from '../core.ts';
import { getSprinkleById } from './get-sprinkle.ts';

/** After this time without a change the state is sent again, in milliseconds, because proxies cut idle streams. */
const REPEAT_AFTER_MS = 30_000;

/**
 * Yields a sprinkle now and after each change until it has ended; always the newest state when the reader asks for the next one.
 * One whose time is over is yielded only once no claim of it can be on its way. Refuses SPRINKLE_NOT_FOUND, also once the user has
 * left its room, and rejects with the signal's reason once that is aborted.
 */
export async function* watchSprinkle(
  core: Core,
  userId: bigint,
  roomId: string,
  id: string,
  isOver: AbortSignal,
): AsyncGenerator<SprinkleWithClaims> {
  for (let isFinal = false; ; ) {
    const found = await getSprinkleById(core, userId, roomId, id);
    const state = stateOf(found.sprinkle, found.at);
    const hasEnded = state !== 'live' && (state !== 'expired' || isFinal);
    if (hasEnded || state === 'live') yield found;
    if (hasEnded) return;
    const mark = await core.sprinkles.nextMark(found.sprinkle, REPEAT_AFTER_MS, isOver);
    isFinal = mark !== QUIET && mark?.isFinal === true;
  }
}
