// Makes, changes and deletes webhooks, and asks for events once more. Workers send (src/worker/webhooks).
import { checkMemo } from '../../domain/bounds.ts';
import { EVENT_TYPES, isEventType } from '../../domain/event.ts';
import type { LocalizedText } from '../../domain/localized-text.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import type { Micros } from '../../domain/time.ts';
import { DEFAULT_OVERLAP_MS, type Delivery, type Webhook } from '../../domain/webhook.ts';
import { checkWebhookUrl, drawWebhookKeys, sealWebhookKeys } from '../../webhooks/index.ts';
import type { AdminCore, WebhookCore } from '../core.ts';
import { getWebhook } from '../queries/webhooks.ts';

/** The properties of a new webhook. */
export interface WebhookInput {
  readonly url: string;
  readonly types: readonly string[];
  readonly description: string;
}

/** A webhook with its secret, which is never shown again. */
export interface WebhookWithSecret {
  readonly webhook: Webhook;
  readonly secret: string;
}

/**
 * Makes a webhook of the line of the calling key. Refuses INVALID_FIELD for an address that nothing may be sent to, and for
 * unknown types; WEBHOOK_EXISTS, QUOTA_EXCEEDED.
 */
export async function createWebhook(
  { webhooks, quotas }: WebhookCore,
  keyId: string,
  input: WebhookInput,
): Promise<WebhookWithSecret> {
  checkMemo(input.description, 'description');
  checkTypes(input.types);
  const url = checkWebhookUrl(input.url, webhooks.rules);
  const id = webhooks.random.uuid();
  const { publicKey, ...keys } = drawWebhookKeys();
  const sealedKeys = sealWebhookKeys(webhooks.sealingKeys, id, keys);
  const most = quotas.webhooksPerKey;
  const added = await webhooks.store.add(keyId, { ...input, id, url, sealedKeys, publicKey }, most);
  if (added === 'exists') throw refuseField('WEBHOOK_EXISTS', 'url');
  if (added === 'too many') throw new Refusal('QUOTA_EXCEEDED', { quota: 'webhooks_per_key' });
  return { webhook: added, secret: keys.secret };
}

/** What is to change; undefined leaves it. */
export interface WebhookChangeInput {
  readonly url: string | undefined;
  /** Empty for all. */
  readonly types: readonly string[] | undefined;
  readonly description: string | undefined;
  readonly isPaused: boolean | undefined;
}

/** Refuses WEBHOOK_NOT_FOUND, WEBHOOK_EXISTS, INVALID_FIELD. */
export async function updateWebhook(
  { webhooks }: WebhookCore,
  keyId: string,
  id: string,
  change: WebhookChangeInput,
): Promise<Webhook> {
  if (change.description !== undefined) checkMemo(change.description, 'description');
  if (change.types) checkTypes(change.types);
  const url = change.url === undefined ? undefined : checkWebhookUrl(change.url, webhooks.rules);
  const changed = await webhooks.store.change(keyId, id, { ...change, url });
  if (changed === 'exists') throw refuseField('WEBHOOK_EXISTS', 'url');
  return mustExist(changed);
}

/** Refuses WEBHOOK_NOT_FOUND. */
export async function deleteWebhook({ webhooks }: WebhookCore, keyId: string, id: string): Promise<void> {
  if (!(await webhooks.store.delete(keyId, id))) throw refuseField('WEBHOOK_NOT_FOUND', 'webhook_id');
}

/**
 * Gives a webhook a new secret and new keys; the old ones sign too until the overlap is over, DEFAULT_OVERLAP_MS unless given.
 * Refuses WEBHOOK_NOT_FOUND, WEBHOOK_ROTATION_IN_PROGRESS.
 */
export async function rotateWebhookSecret(
  { webhooks }: WebhookCore,
  keyId: string,
  id: string,
  overlapMs = DEFAULT_OVERLAP_MS,
): Promise<WebhookWithSecret> {
  const { publicKey, ...keys } = drawWebhookKeys();
  const sealedKeys = sealWebhookKeys(webhooks.sealingKeys, id, keys);
  const rotated = await webhooks.store.replaceKeys(keyId, id, { sealedKeys, publicKey, overlapMs });
  if (rotated === 'in progress') throw new Refusal('WEBHOOK_ROTATION_IN_PROGRESS');
  return { webhook: mustExist(rotated), secret: keys.secret };
}

/** Which events are sent again. */
export type RedeliveryInput =
  | { readonly deliveryIds: readonly string[] }
  | { readonly first: bigint; readonly last: bigint }
  | { readonly since: Micros };

/**
 * Sends events of a webhook again. Refuses WEBHOOK_NOT_FOUND, DELIVERY_NOT_FOUND where one of the deliveries is not there (the
 * others are sent), WEBHOOK_REDELIVERY_IN_PROGRESS, INVALID_FIELD for a range that ends before it begins, or begins with
 * events that are kept no longer.
 */
export async function redeliverEvents(
  core: WebhookCore,
  keyId: string,
  id: string,
  input: RedeliveryInput,
): Promise<Webhook> {
  const { store } = core.webhooks;
  await getWebhook(core, keyId, id);
  if ('deliveryIds' in input) {
    const found = await store.sendAgain(id, input.deliveryIds);
    if (found < input.deliveryIds.length) throw refuseField('DELIVERY_NOT_FOUND', 'deliveries.delivery_ids');
    return getWebhook(core, keyId, id);
  }
  if ('first' in input && input.last < input.first)
    throw refuseField('INVALID_FIELD', 'range.last', NOT_BEFORE_FIRST);
  if ('first' in input) {
    const purgedThrough = await store.purgedThrough();
    if (input.first <= purgedThrough)
      throw refuseField('INVALID_FIELD', 'range.first', isKeptFrom(purgedThrough + 1n));
  }
  const after = 'first' in input ? input.first - 1n : await store.lastSequenceBefore(input.since);
  const isAccepted = await store.repeat(id, after, 'first' in input ? input.last : undefined);
  if (!isAccepted) throw new Refusal('WEBHOOK_REDELIVERY_IN_PROGRESS');
  return getWebhook(core, keyId, id);
}

/** Sends a test event. Refuses WEBHOOK_NOT_FOUND, and QUOTA_EXCEEDED while too many are on their way. */
export async function sendTestEvent(core: WebhookCore, keyId: string, id: string): Promise<Delivery> {
  await getWebhook(core, keyId, id);
  const { store, random } = core.webhooks;
  const delivery = await store.addTestEvent(id, random.uuid());
  if (!delivery) throw new Refusal('QUOTA_EXCEEDED', { quota: 'test_events' });
  return delivery;
}

/** Lets any webhook go on, for operators. Refuses WEBHOOK_NOT_FOUND. */
export async function resumeWebhook({ webhooks }: Pick<AdminCore, 'webhooks'>, id: string): Promise<void> {
  if (!(await webhooks.resume(id))) throw refuseField('WEBHOOK_NOT_FOUND', 'webhook_id');
}

const NOT_BEFORE_FIRST: LocalizedText = {
  en: 'must not be before range.first',
  ko: 'range.first보다 앞이면 안 됩니다',
};

const isKeptFrom = (first: bigint): LocalizedText => ({
  en: `must be at least ${first}; earlier events are kept no longer`,
  ko: `${first} 이상이어야 합니다. 그 전 이벤트는 보관 기간이 지났습니다`,
});

function checkTypes(types: readonly string[]): void {
  const unknown = types.findIndex((type) => !isEventType(type));
  if (unknown < 0) return;
  const known = Object.keys(EVENT_TYPES).join(', ');
  throw refuseField('INVALID_FIELD', `types[${unknown}]`, {
    en: `must be one of ${known}`,
    ko: `다음 중 하나여야 합니다: ${known}`,
  });
}

function mustExist(webhook: Webhook | undefined): Webhook {
  if (!webhook) throw refuseField('WEBHOOK_NOT_FOUND', 'webhook_id');
  return webhook;
}
