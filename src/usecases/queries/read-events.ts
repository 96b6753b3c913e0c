// Reads the feed of events, page by page or as a stream.
import {
  cursorOf,
  EVENT_TYPE_NAMES,
  type EventType,
  type FeedEvent,
  isEventType,
  LATEST,
  MISSING,
  placeOf,
  selects,
} from '../../domain/event.ts';
import { mustBeOneOf } from '../../domain/localized-text.ts';
import { refuseField } from '../../domain/refusal.ts';
import { QUIET } from '../../repositories/index.ts';
import type { Core } from '../core.ts';

/** Which events a caller reads. */
export interface EventsWanted {
  /** Empty for the oldest that are kept, LATEST for what happens from now on. */
  readonly afterCursor: string;
  /** The field that the cursor came in. */
  readonly cursorField: string;
  /** All of them when empty. */
  readonly types: readonly string[];
}

/** A page of events. */
export interface EventPage {
  readonly events: readonly FeedEvent[];
  readonly nextCursor: string;
  readonly epoch: string;
}

/** Entries that a call reads at most for a page that its types fill slowly; the next page goes on from there. */
const MOST_EXAMINED = 5_000;
const CHUNK = 500;
/** After this time without an event a stream gives a sign of life, in milliseconds, because proxies cut idle streams. */
const SIGN_OF_LIFE_MS = 30_000;

/** Where a reader stands in the feed, and what it reads. */
interface Reading {
  epoch: string;
  sequence: bigint;
  readonly types: readonly EventType[];
}

/** Refuses INVALID_FIELD, FEED_RESTARTED, CURSOR_EXPIRED. */
export async function listEvents(core: Core, wanted: EventsWanted, size: number): Promise<EventPage> {
  const reading = await begin(core, wanted);
  const events: FeedEvent[] = [];
  for (let examined = 0; events.length < size && examined < MOST_EXAMINED; examined += CHUNK) {
    const limit = reading.types.length === 0 ? size : CHUNK;
    const { found, isLast } = await readOn(core, reading, size - events.length, limit);
    events.push(...found);
    if (isLast) break;
  }
  const nextCursor = await cursorAt(core, reading, events.at(-1));
  return { events, nextCursor, epoch: reading.epoch };
}

/**
 * Yields events as they happen, and from time to time a cursor alone. Refuses INVALID_FIELD, FEED_RESTARTED and CURSOR_EXPIRED, and
 * rejects with the signal's reason once that is aborted.
 */
export async function* streamEvents(
  core: Core,
  wanted: EventsWanted,
  signal: AbortSignal,
): AsyncGenerator<FeedEvent | { readonly cursor: string }> {
  const reading = await begin(core, wanted);
  let saidAt = performance.now();
  for (;;) {
    const { found, isLast } = await readOn(core, reading, CHUNK, CHUNK);
    for (const event of found) {
      yield event;
      saidAt = performance.now();
    }
    signal.throwIfAborted();
    const restMs = SIGN_OF_LIFE_MS - (performance.now() - saidAt);
    if (restMs <= 0) {
      yield { cursor: await cursorAt(core, reading, found.at(-1)) };
      saidAt = performance.now();
    }
    if (!isLast) continue;
    const end = await core.events.next(reading, Math.max(0, restMs), signal);
    if (end !== QUIET && (end.epoch !== reading.epoch || end.sequence < reading.sequence))
      throw refuseField('FEED_RESTARTED', wanted.cursorField);
  }
}

async function begin(core: Core, { afterCursor, cursorField, types }: EventsWanted): Promise<Reading> {
  const known = types.map((type, index) => {
    if (!isEventType(type))
      throw refuseField('INVALID_FIELD', `types[${index}]`, mustBeOneOf(EVENT_TYPE_NAMES));
    return type;
  });
  const reading = { types: known };
  if (afterCursor === '' || afterCursor === LATEST) {
    const { epoch, sequence, purgedThrough } = await core.events.end();
    return { ...reading, epoch, sequence: afterCursor === '' ? purgedThrough : sequence };
  }
  const place = placeOf(afterCursor, cursorField);
  const state = await core.events.checkPlace(await core.events.end(), place);
  if (state === 'restarted') throw refuseField('FEED_RESTARTED', cursorField);
  if (state === 'expired') throw refuseField('CURSOR_EXPIRED', cursorField);
  return { ...reading, epoch: place.epoch, sequence: place.sequence };
}

/** Reads up to `limit` further entries and moves on behind those; up to `most` of them that are wanted come back. */
async function readOn(core: Core, reading: Reading, most: number, limit: number) {
  const { types, epoch, sequence } = reading;
  const isAnnounced = !selects(types, MISSING);
  // Read before the announcements, so that all of them up to here are among those that follow.
  const end = isAnnounced ? await core.events.end() : undefined;
  const read = isAnnounced
    ? await core.events.announcementsAfter(epoch, sequence, limit)
    : await core.events.after(epoch, sequence, limit);
  const wanted = read.filter(({ type }) => selects(types, type));
  const found = wanted.slice(0, most);
  const isLast = read.length < limit && found.length === wanted.length;
  const last = found.length < wanted.length ? found.at(-1) : read.at(-1);
  if (last) reading.sequence = last.sequence;
  if (isLast && end && end.sequence > reading.sequence) reading.sequence = end.sequence;
  return { found, isLast };
}

/** The cursor of where a reader stands, which is often its last event. */
async function cursorAt(
  core: Core,
  { epoch, sequence }: Reading,
  last: FeedEvent | undefined,
): Promise<string> {
  return last?.sequence === sequence ? last.cursor : cursorOf(await core.events.placeAt(epoch, sequence));
}
