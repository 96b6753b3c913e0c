// How webhooks stand, for metrics.
import type { Reader } from '../pool.ts';

/** How all webhooks stand. */
export interface WebhookStates {
  readonly active: number;
  readonly paused: number;
  /** For how long the event that waits longest for an active webhook has been known, in seconds; 0 where none waits. */
  readonly oldestUndeliveredSeconds: number;
}

/** Whether it is on its way, or not even taken up, because no worker sends. */
const STATES = `
  SELECT count(*) FILTER (WHERE w.state = 'active')::integer AS active,
    count(*) FILTER (WHERE w.state = 'paused')::integer AS paused,
    coalesce(extract(epoch FROM clock_timestamp() - min(least(
      (SELECT min(d.pending_since) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.delivered_at IS NULL),
      (SELECT s.sealed_at FROM feed_segments s WHERE s.last_sequence > w.last_sequence ORDER BY s.last_sequence LIMIT 1)
    )) FILTER (WHERE w.state = 'active' AND key_line_is_live(w.owner_key_id))), 0)::double precision AS oldest
  FROM webhooks w WHERE w.deleted_at IS NULL`;

/** Reads them in one statement. */
export async function webhookStates(db: Reader): Promise<WebhookStates> {
  type Row = { active: number; paused: number; oldest: number };
  const { rows } = await db.query<Row>({ name: 'webhook-states', text: STATES, values: [] });
  const { active, paused, oldest } = rows[0] ?? { active: 0, paused: 0, oldest: 0 };
  return { active, paused, oldestUndeliveredSeconds: Math.max(0, oldest) };
}
