// Events of wallet.v2.EventService, in ProtoJSON, as webhooks are sent them.
import type { Json } from '../../clients/typescript/src/connection.ts';

/** As many digits as the largest bigint of Postgres has, so that texts sort as numbers do. */
const SEQUENCE_DIGITS = 19;

/** The CloudEvent of an event: what src/domain/cloud-event.ts makes of it in a worker. */
export function toCloudEvent(event: Json): Json {
  const family = String(event.type).split('.')[0] ?? '';
  return {
    specversion: '1.0',
    id: event.event_id ?? '',
    source: '/ppuri',
    type: event.type ?? '',
    subject: event.subject ?? '',
    time: event.occurred_at ?? '',
    datacontenttype: 'application/json',
    sequence: String(event.sequence).padStart(SEQUENCE_DIGITS, '0'),
    cursor: event.cursor ?? '',
    schemaversion: event.schema_version ?? 1,
    data: event[family] ?? {},
  };
}
