// Events: what is told of the ledger, in the order of the feed, and the cursors that say how far somebody has read it.
import type { LocalizedText } from './localized-text.ts';
import { refuseField } from './refusal.ts';
import type { Micros } from './time.ts';
import type { PostedTransfer } from './transfer.ts';

/** Every type of event, and the version of the schema of its data. */
export const EVENT_TYPES = {
  'transfer.posted': 1,
  'transfer.missing': 1,
  'sprinkle.created': 1,
  'sprinkle.claimed': 1,
  'sprinkle.emptied': 1,
  'sprinkle.expired': 1,
  'sprinkle.cancelled': 1,
  'hold.created': 1,
  'hold.captured': 1,
  'hold.voided': 1,
  'hold.expired': 1,
  'gift.created': 1,
  'gift.accepted': 1,
  'gift.declined': 1,
  'gift.cancelled': 1,
  'gift.expired': 1,
  'payout.completed': 1,
  'payout.cancelled': 1,
  'wallet.frozen': 1,
  'wallet.unfrozen': 1,
  'wallet.closed': 1,
  'limit.reached': 1,
  'key.expiring': 1,
  'webhook.paused': 1,
  'webhook.events_expired': 1,
} as const satisfies Record<string, number>;

/** The type of an event. */
export type EventType = keyof typeof EVENT_TYPES;

/** Every type of event, as a list. */
export const EVENT_TYPE_NAMES = Object.keys(EVENT_TYPES) as readonly EventType[];

/** The version of the schema of a type's data; 1 for a type that only a later release knows. */
export function versionOf(type: EventType): number {
  const versions: Readonly<Record<string, number>> = EVENT_TYPES;
  return versions[type] ?? 1;
}

/** The type of what is told in the place of a transfer that was lost: neither the ledger nor the archive has it. */
export const MISSING: EventType = 'transfer.missing';

/**
 * Whether a reader of these types, of all where there are none, is told of an event. A reader of transfers also learns which of them
 * is missing.
 */
export function selects(types: readonly string[], type: string): boolean {
  return (
    types.length === 0 || types.includes(type) || (type === MISSING && types.includes('transfer.posted'))
  );
}

/**
 * The id of the event that a transfer is missing: the transfer's as a UUID of version 8, so that the event of the transfer, which
 * follows where its row is put back, is not taken for one that was told.
 */
export function missingEventId(transferId: string): string {
  return `${transferId.slice(0, 14)}8${transferId.slice(15)}`;
}

/** Instead of a cursor: what happens from now on. */
export const LATEST = 'latest';

/** What an announcement tells, as its row has it: amounts and numbers of users are text. */
export type AnnouncedFacts = Readonly<Record<string, unknown>>;

/** What an event tells: a transfer, or an announcement. */
export type EventData = { readonly transfer: PostedTransfer } | { readonly facts: AnnouncedFacts };

/** Something that happened, with its place in the feed. */
export interface FeedEvent {
  /** A UUID, that of the transfer or of the announcement, or missingEventId(): the same whenever it is told. */
  readonly eventId: string;
  /** Its number in the feed, from 1 on and without gaps. */
  readonly sequence: bigint;
  /** With it one goes on right after this event. */
  readonly cursor: string;
  readonly type: EventType;
  readonly schemaVersion: number;
  /** What it is about: `transfers/…`, `holds/…`. */
  readonly subject: string;
  /** The users whom it concerns. */
  readonly userIds: readonly bigint[];
  readonly occurredAt: Micros;
  readonly data: EventData;
}

/** A place in the feed: after the entry with this number. */
export interface FeedPlace {
  /** The feed's epoch when the entry was read, 16 hexadecimal digits. */
  readonly epoch: string;
  readonly sequence: bigint;
  /** The last 8 hexadecimal digits of the entry's id, by which a feed that has another entry in this place is known. */
  readonly check: string;
}

/** Before the first entry of an epoch. */
export const NO_CHECK = '00000000';

/** What is wrong with a cursor that nothing gave. */
export const IS_NO_CURSOR: LocalizedText = {
  en: 'must be a cursor that an earlier answer gave, or be left out',
  ko: '이전 응답에서 받은 커서여야 하며, 없으면 비워 두어야 합니다',
};

const CURSOR_BYTES = 20;
const EPOCH_BYTES = 8;
const SEQUENCE_END = EPOCH_BYTES + 8;
const CURSOR = /^[A-Za-z0-9_-]{27}$/;

/** A place as callers hold it: 27 characters of base64url. */
export function cursorOf({ epoch, sequence, check }: FeedPlace): string {
  const bytes = Buffer.alloc(CURSOR_BYTES);
  bytes.write(epoch, 'hex');
  bytes.writeBigUInt64BE(sequence, EPOCH_BYTES);
  bytes.write(check, SEQUENCE_END, 'hex');
  return bytes.toString('base64url');
}

/** The place that a cursor means. Refuses INVALID_FIELD, naming the field, for what cursorOf() has not made. */
export function placeOf(cursor: string, field: string): FeedPlace {
  const bytes = CURSOR.test(cursor) ? Buffer.from(cursor, 'base64url') : Buffer.alloc(0);
  const sequence = bytes.length === CURSOR_BYTES ? bytes.readBigUInt64BE(EPOCH_BYTES) : -1n;
  // Base64url leaves two bits unused, so several texts would mean the same.
  if (sequence < 0n || sequence > MAX_SEQUENCE || bytes.toString('base64url') !== cursor) {
    throw refuseField('INVALID_FIELD', field, IS_NO_CURSOR);
  }
  return {
    epoch: bytes.toString('hex', 0, EPOCH_BYTES),
    sequence,
    check: bytes.toString('hex', SEQUENCE_END),
  };
}

/** The highest that a bigint of Postgres holds. */
const MAX_SEQUENCE = 2n ** 63n - 1n;

/** The check of the entry with this id. */
export function checkOf(id: string): string {
  return id.slice(-8);
}

/** Whether a text names a type of event. */
export function isEventType(text: string): text is EventType {
  return Object.hasOwn(EVENT_TYPES, text);
}
