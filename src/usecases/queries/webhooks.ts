// Reads webhooks and their deliveries. For keys of other owners they do not exist.
import type { DeliveryPlace, WebhookOverview } from '../../db/webhooks/index.ts';
import type { Page } from '../../domain/page.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { Delivery, DeliveryState, Webhook } from '../../domain/webhook.ts';
import type { AdminReads } from '../../repositories/index.ts';
import type { WebhookCore } from '../core.ts';

export type { WebhookOverview } from '../../db/webhooks/index.ts';

/** Refuses WEBHOOK_NOT_FOUND. */
export async function getWebhook({ webhooks }: WebhookCore, keyId: string, id: string): Promise<Webhook> {
  const webhook = await webhooks.store.find(keyId, id);
  if (!webhook) throw refuseField('WEBHOOK_NOT_FOUND', 'webhook_id');
  return webhook;
}

/** The webhooks of the line of the calling key, oldest first. */
export function listWebhooks({ webhooks }: WebhookCore, keyId: string): Promise<readonly Webhook[]> {
  return webhooks.store.list(keyId);
}

/** The deliveries of a webhook, newest first, one page. Refuses WEBHOOK_NOT_FOUND. */
export async function listDeliveries(
  core: WebhookCore,
  keyId: string,
  id: string,
  state: DeliveryState | undefined,
  after: DeliveryPlace | undefined,
  size: number,
): Promise<Page<Delivery, DeliveryPlace>> {
  await getWebhook(core, keyId, id);
  return core.webhooks.store.deliveries(id, state, after, size);
}

/** Webhooks of all owners, for operators: those whose events wait longest first; or the one with this id. */
export function webhookOverviews(
  { webhooks }: Pick<AdminReads, 'webhooks'>,
  id: string | undefined,
  atMost: number,
): Promise<readonly WebhookOverview[]> {
  return webhooks.overviews(id, atMost);
}

/** A webhook as the audit trail notes it before and after an act; undefined where there is none. */
export async function webhookState(
  { webhooks }: Pick<AdminReads, 'webhooks'>,
  id: string,
): Promise<WebhookOverview | undefined> {
  const [webhook] = await webhooks.overviews(id, 1);
  return webhook;
}

/** The newest deliveries of any webhook, for operators. */
export function recentDeliveries(
  { webhooks }: Pick<AdminReads, 'webhooks'>,
  id: string,
  atMost: number,
): Promise<readonly Delivery[]> {
  return webhooks.deliveries(id, atMost);
}
