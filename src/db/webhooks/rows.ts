// Rows of webhooks and their deliveries as the domain knows them.
import type { Attempt, Delivery, PauseReason, Webhook } from '../../domain/webhook.ts';
import { microsOf } from '../sql.ts';

/** The columns that toWebhook() reads, of webhooks under the alias `w`. */
export const WEBHOOK_COLUMNS = `w.id, w.url, w.types, w.description, w.pause_reason, ${microsOf('w.paused_at')} AS paused_at,
  w.public_key, CASE WHEN w.previous_until > clock_timestamp() THEN w.previous_public_key END AS previous_public_key,
  ${microsOf('w.previous_until')} AS previous_until, w.last_sequence, w.expired_after, w.expired_through,
  w.again_after IS NOT NULL AS is_redelivering,
  ${microsOf('w.created_at')} AS created_at`;

/** A row with WEBHOOK_COLUMNS. */
export interface WebhookRow {
  id: string;
  url: string;
  types: string[];
  description: string;
  pause_reason: PauseReason | null;
  paused_at: string | null;
  public_key: string;
  previous_public_key: string | null;
  previous_until: string | null;
  last_sequence: string;
  expired_after: string | null;
  expired_through: string | null;
  is_redelivering: boolean;
  created_at: string;
}

export function toWebhook(row: WebhookRow): Webhook {
  const { previous_public_key: previousKey } = row;
  return {
    id: row.id,
    url: row.url,
    types: row.types,
    description: row.description,
    pauseReason: row.pause_reason ?? undefined,
    pausedAt: row.paused_at === null ? undefined : Number(row.paused_at),
    publicKey: row.public_key,
    previous:
      previousKey === null ? undefined : { publicKey: previousKey, until: Number(row.previous_until) },
    lastSequence: BigInt(row.last_sequence),
    expired: expiredRange(row),
    isRedelivering: row.is_redelivering,
    createdAt: Number(row.created_at),
  };
}

/** The range of events that a webhook left out; undefined where it left none out. */
export function expiredRange({
  expired_after: after,
  expired_through: through,
}: Pick<WebhookRow, 'expired_after' | 'expired_through'>): Webhook['expired'] {
  return after === null || through === null
    ? undefined
    : { first: BigInt(after) + 1n, last: BigInt(through) };
}

/** The columns that toDelivery() reads, of webhook_deliveries under the alias `d`. */
export const DELIVERY_COLUMNS = `d.id, d.event_id, d.sequence, d.type, d.attempt_count, d.attempts,
  d.failing_since IS NOT NULL AS is_failing, d.is_expired, ${microsOf('d.created_at')} AS created_at,
  ${microsOf('d.next_attempt_at')} AS next_attempt_at, ${microsOf('d.delivered_at')} AS delivered_at`;

/** A row with DELIVERY_COLUMNS. */
export interface DeliveryRow {
  id: string;
  event_id: string;
  sequence: string | null;
  type: string;
  attempt_count: number;
  attempts: { at: number; status: number; ms: number; error: string }[];
  is_failing: boolean;
  is_expired: boolean;
  created_at: string;
  next_attempt_at: string | null;
  delivered_at: string | null;
}

export function toDelivery(row: DeliveryRow): Delivery {
  const isDelivered = row.delivered_at !== null && !row.is_expired;
  return {
    id: row.id,
    eventId: row.event_id,
    sequence: row.sequence === null ? undefined : BigInt(row.sequence),
    type: row.type,
    state: row.is_expired ? 'expired' : isDelivered ? 'delivered' : row.is_failing ? 'retrying' : 'pending',
    attemptCount: row.attempt_count,
    attempts: row.attempts.map(({ ms, ...attempt }) => ({ ...attempt, tookMs: ms })),
    createdAt: Number(row.created_at),
    nextAttemptAt: row.next_attempt_at === null ? undefined : Number(row.next_attempt_at),
    deliveredAt: isDelivered ? Number(row.delivered_at) : undefined,
  };
}

/** An attempt as the column has it. */
export function attemptJson({ at, status, tookMs, error }: Attempt): string {
  return JSON.stringify({ at, status, ms: tookMs, error });
}
