// wallet.v2.EventService: the feed of events.
import {
  type Event,
  GiftEvent,
  HoldEvent,
  KeyEvent,
  LimitEvent,
  PayoutEvent,
  SprinkleEvent,
  TransferEvent,
  WalletEvent,
  WebhookEvent,
} from '../../../gen/ts/wallet/v2/event.ts';
import type { EventServiceService } from '../../../gen/ts/wallet/v2/event_service.ts';
import { type EventFamily, eventData, familyOf } from '../../domain/cloud-event.ts';
import type { FeedEvent } from '../../domain/event.ts';
import { pageSize } from '../../domain/page.ts';
import { type Core, listEvents, streamEvents } from '../../usecases/index.ts';
import type { Handlers } from '../handlers.ts';
import { resumePoint } from '../page-token.ts';
import { toTimestamp } from '../timestamp.ts';

/** The handlers of wallet.v2.EventService. */
export const eventService = (core: Core): Handlers<typeof EventServiceService> => ({
  async listEvents({ afterCursor, types, pageSize: size }) {
    const wanted = { afterCursor, cursorField: 'after_cursor', types };
    const { events, nextCursor, epoch } = await listEvents(core, wanted, pageSize(size));
    return { events: events.map(toWireEvent), nextCursor, feedEpoch: epoch };
  },

  async *streamEvents({ afterCursor, types }, _caller, signal, _headers, lastEventId) {
    const { cursor, field } = resumePoint(afterCursor, lastEventId);
    const wanted = { afterCursor: cursor, cursorField: field, types };
    for await (const event of streamEvents(core, wanted, signal)) {
      yield 'type' in event ? toWireEvent(event) : signOfLife(event.cursor);
    }
  },
});

/** An event as the contract has it. */
export function toWireEvent(event: FeedEvent): Event {
  const family = familyOf(event.type);
  return {
    eventId: event.eventId,
    sequence: event.sequence,
    cursor: event.cursor,
    type: event.type,
    schemaVersion: event.schemaVersion,
    subject: event.subject,
    occurredAt: toTimestamp(event.occurredAt),
    data: family && DATA[family](eventData(event)),
  };
}

/** The data is made once, as JSON, so that webhooks and calls never tell it differently. */
const DATA: Readonly<Record<EventFamily, (json: object) => Event['data']>> = {
  transfer: (json) => ({ $case: 'transfer', value: TransferEvent.fromJSON(json) }),
  sprinkle: (json) => ({ $case: 'sprinkle', value: SprinkleEvent.fromJSON(json) }),
  hold: (json) => ({ $case: 'hold', value: HoldEvent.fromJSON(json) }),
  gift: (json) => ({ $case: 'gift', value: GiftEvent.fromJSON(json) }),
  payout: (json) => ({ $case: 'payout', value: PayoutEvent.fromJSON(json) }),
  wallet: (json) => ({ $case: 'wallet', value: WalletEvent.fromJSON(json) }),
  limit: (json) => ({ $case: 'limit', value: LimitEvent.fromJSON(json) }),
  key: (json) => ({ $case: 'key', value: KeyEvent.fromJSON(json) }),
  webhook: (json) => ({ $case: 'webhook', value: WebhookEvent.fromJSON(json) }),
};

function signOfLife(cursor: string): Event {
  return {
    eventId: '',
    sequence: 0n,
    cursor,
    type: '',
    schemaVersion: 0,
    subject: '',
    occurredAt: undefined,
    data: undefined,
  };
}
