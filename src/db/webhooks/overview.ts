// Webhooks as operators see them: whose they are, where they lead to, and what waits; and the one thing that operators do to them.
import type { Micros } from '../../domain/time.ts';
import type { Delivery, PauseReason } from '../../domain/webhook.ts';
import type { Pool, Reader } from '../pool.ts';
import { microsOf } from '../sql.ts';
import { DELIVERY_COLUMNS, type DeliveryRow, expiredRange, toDelivery } from './rows.ts';

/** A webhook as operators see it. The path of its URL may be a secret and is not shown. */
export interface WebhookOverview {
  readonly id: string;
  /** The first of the API keys that it belongs to. */
  readonly ownerKeyId: string;
  readonly host: string;
  readonly pauseReason: PauseReason | undefined;
  readonly pausedAt: Micros | undefined;
  readonly createdAt: Micros;
  /** Whether a worker sends for it now. */
  readonly isHeld: boolean;
  /** The last range of events that it left out because they were kept no longer, by their sequences. */
  readonly expired: { readonly first: bigint; readonly last: bigint } | undefined;
  /** Events that were taken up and not delivered. */
  readonly undelivered: number;
  /** Since when the oldest of these waits. */
  readonly waitingSince: Micros | undefined;
}

const LIST = `
  SELECT w.id, w.owner_key_id, webhook_host(w.id) AS host, w.pause_reason, ${microsOf('w.paused_at')} AS paused_at,
    ${microsOf('w.created_at')} AS created_at, w.lease_until > clock_timestamp() AS is_held, w.expired_after, w.expired_through, d.undelivered,
    ${microsOf('d.since')} AS since
  FROM webhooks w, LATERAL (
    SELECT count(*)::integer AS undelivered, min(pending_since) AS since FROM webhook_deliveries
    WHERE webhook_id = w.id AND delivered_at IS NULL) AS d
  WHERE w.deleted_at IS NULL AND ($1::uuid IS NULL OR w.id = $1)
  ORDER BY d.since NULLS LAST, w.created_at, w.id LIMIT $2`;

const RECENT = `
  SELECT ${DELIVERY_COLUMNS} FROM webhook_deliveries d WHERE d.webhook_id = $1 ORDER BY d.created_at DESC, d.id DESC LIMIT $2`;

/** Webhooks, those whose events wait longest first; or the one with this id. */
export async function webhookOverviews(
  db: Reader,
  id: string | undefined,
  atMost: number,
): Promise<WebhookOverview[]> {
  type Row = {
    id: string;
    owner_key_id: string;
    host: string | null;
    pause_reason: PauseReason | null;
    paused_at: string | null;
    created_at: string;
    is_held: boolean;
    expired_after: string | null;
    expired_through: string | null;
    undelivered: number;
    since: string | null;
  };
  const { rows } = await db.query<Row>({ name: 'webhook-overviews', text: LIST, values: [id, atMost] });
  return rows.map((row) => ({
    id: row.id,
    ownerKeyId: row.owner_key_id,
    host: row.host ?? '',
    pauseReason: row.pause_reason ?? undefined,
    pausedAt: row.paused_at === null ? undefined : Number(row.paused_at),
    createdAt: Number(row.created_at),
    isHeld: row.is_held,
    expired: expiredRange(row),
    undelivered: row.undelivered,
    waitingSince: row.since === null ? undefined : Number(row.since),
  }));
}

/** The newest deliveries of a webhook. */
export async function recentDeliveries(db: Reader, webhookId: string, atMost: number): Promise<Delivery[]> {
  const statement = { name: 'recent-deliveries', text: RECENT, values: [webhookId, atMost] };
  return (await db.query<DeliveryRow>(statement)).rows.map(toDelivery);
}

/** Lets a webhook go on, with what failed at once; false where there is none. */
export async function resumeWebhook(pool: Pool, webhookId: string): Promise<boolean> {
  const { rows } = await pool.query<{ is_there: boolean }>('SELECT resume_webhook($1) AS is_there', [
    webhookId,
  ]);
  return rows[0]?.is_there === true;
}
