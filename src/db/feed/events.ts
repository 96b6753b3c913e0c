// Entries of the feed as events, as servers and workers read them.
import { checkOf, cursorOf, type FeedEvent, MISSING, missingEventId, versionOf } from '../../domain/event.ts';
import { momentOfTransferId } from '../../domain/transfer.ts';
import type { TransferPlaces } from '../archive/index.ts';
import { type FeedEntry, readAnnouncements, readEntries } from './entries.ts';

/** Where events come from. */
export interface EventSources extends TransferPlaces {
  /**
   * Called when a read comes upon transfers that neither the ledger nor the archive has, with their ids. Each is told as
   * `transfer.missing`, so that it is not passed over in silence and nobody waits for it.
   */
  onMissingTransfers(ids: readonly string[]): void;
}

/** Up to `limit` events after a number, in their order, as those of an epoch. Fewer than that, and the feed has no more. */
export async function readEvents(
  sources: EventSources,
  epoch: string,
  afterSequence: bigint,
  limit: number,
): Promise<FeedEvent[]> {
  const entries = await readEntries(sources, afterSequence, limit);
  const missing = entries.filter(({ transfer, announcement }) => !transfer && !announcement);
  if (missing.length > 0) sources.onMissingTransfers(missing.map(({ id }) => id));
  return entries.map((entry) => toEvent(epoch, entry));
}

/** The same of announcements alone, however many transfers are between them. */
export async function readAnnouncedEvents(
  sources: TransferPlaces,
  epoch: string,
  afterSequence: bigint,
  limit: number,
): Promise<FeedEvent[]> {
  return (await readAnnouncements(sources, afterSequence, limit)).map((entry) => toEvent(epoch, entry));
}

/** An entry as an event; `epoch` is the feed's. */
export function toEvent(epoch: string, { sequence, id, transfer, announcement }: FeedEntry): FeedEvent {
  const place = { eventId: id, sequence, cursor: cursorOf({ epoch, sequence, check: checkOf(id) }) };
  if (announcement) {
    const { type, subject, userIds, occurredAt, facts } = announcement;
    return {
      ...place,
      // A type of a later release is told like any other: readers pass over what they don't know.
      ...{ type, schemaVersion: versionOf(type), subject, userIds, occurredAt, data: { facts } },
    };
  }
  const subject = `transfers/${id}`;
  if (!transfer) {
    return {
      ...{ ...place, subject, eventId: missingEventId(id), type: MISSING, schemaVersion: versionOf(MISSING) },
      // Whom it concerned only its row said.
      ...{ userIds: [], occurredAt: momentOfTransferId(id) ?? 0, data: { facts: { transfer_id: id } } },
    };
  }
  const users = [transfer.debitUserId, transfer.creditUserId].filter((user) => user !== undefined);
  return {
    ...{ ...place, subject, type: 'transfer.posted', schemaVersion: versionOf('transfer.posted') },
    userIds: [...new Set(users)],
    occurredAt: transfer.transfer.createdAt,
    data: { transfer },
  };
}
