// wallet.v2.WebhookService: where events are sent to, and what became of them.
import {
  type RedeliverEventsRequest,
  type WebhookServiceService,
  DeliveryState as WireDeliveryState,
  WebhookPauseReason as WirePauseReason,
  WebhookState as WireState,
} from '../../../gen/ts/wallet/v2/webhook_service.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import { IS_REQUIRED, type LocalizedText } from '../../domain/localized-text.ts';
import { pageSize } from '../../domain/page.ts';
import { refuseField } from '../../domain/refusal.ts';
import { MICROS_PER_MS } from '../../domain/time.ts';
import {
  DELIVERIES_KEPT_MS,
  type Delivery,
  type DeliveryState,
  type PauseReason,
  type Webhook,
} from '../../domain/webhook.ts';
import {
  type Core,
  createWebhook,
  deleteWebhook,
  getWebhook,
  listDeliveries,
  listWebhooks,
  type RedeliveryInput,
  redeliverEvents,
  rotateWebhookSecret,
  sendTestEvent,
  updateWebhook,
} from '../../usecases/index.ts';
import type { Caller } from '../caller.ts';
import type { Handlers } from '../handlers.ts';
import { decodeTimeToken, encodeTimeToken } from '../page-token.ts';
import { toBound, toDuration, toMs, toTimestamp } from '../timestamp.ts';

/** The handlers of wallet.v2.WebhookService. */
export const webhookService = (core: Core): Handlers<typeof WebhookServiceService> => ({
  async createWebhook(request, caller) {
    const { webhook, secret } = await createWebhook(core, keyOf(caller), request);
    return { webhook: toWebhook(webhook), secret };
  },

  async getWebhook({ webhookId }, caller) {
    return { webhook: toWebhook(await getWebhook(core, keyOf(caller), webhookId.toLowerCase())) };
  },

  async listWebhooks(_request, caller) {
    return { webhooks: (await listWebhooks(core, keyOf(caller))).map(toWebhook) };
  },

  async updateWebhook({ webhookId, url, types, allTypes, description, isPaused }, caller) {
    if (allTypes && types.length > 0) throw refuseField('INVALID_FIELD', 'all_types', EXCLUDES_TYPES);
    const change = { url, description, isPaused, types: allTypes || types.length > 0 ? types : undefined };
    return { webhook: toWebhook(await updateWebhook(core, keyOf(caller), webhookId.toLowerCase(), change)) };
  },

  async deleteWebhook({ webhookId }, caller) {
    await deleteWebhook(core, keyOf(caller), webhookId.toLowerCase());
    return {};
  },

  async rotateWebhookSecret({ webhookId, overlap }, caller) {
    const overlapMs = overlap && toMs(overlap, 'overlap');
    const id = webhookId.toLowerCase();
    const { webhook, secret } = await rotateWebhookSecret(core, keyOf(caller), id, overlapMs);
    return { webhook: toWebhook(webhook), secret };
  },

  async listDeliveries(request, caller) {
    const id = request.webhookId.toLowerCase();
    const list = ['v2.deliveries', id, request.state];
    const after = decodeTimeToken(list, request.pageToken);
    const state = STATE_OF.get(request.state);
    const page = await listDeliveries(core, keyOf(caller), id, state, after, pageSize(request.pageSize));
    return { deliveries: page.items.map(toDelivery), nextPageToken: encodeTimeToken(list, page.next) };
  },

  async redeliverEvents(request, caller) {
    const id = request.webhookId.toLowerCase();
    return { webhook: toWebhook(await redeliverEvents(core, keyOf(caller), id, parseRedelivery(request))) };
  },

  async sendTestEvent({ webhookId }, caller) {
    return { delivery: toDelivery(await sendTestEvent(core, keyOf(caller), webhookId.toLowerCase())) };
  },
});

/** The API key that signed the call: webhooks belong to keys. */
function keyOf({ call }: Caller): string {
  if (call.keyId === undefined) throw new InvariantError('a call of WebhookService is signed');
  return call.keyId;
}

const EXCLUDES_TYPES: LocalizedText = {
  en: 'must not be set together with types',
  ko: 'types와 함께 지정할 수 없습니다',
};
const WITHIN_30_DAYS: LocalizedText = {
  en: 'must be within the last 30 days',
  ko: '최근 30일 이내여야 합니다',
};

function parseRedelivery({ events }: RedeliverEventsRequest): RedeliveryInput {
  switch (events?.$case) {
    case 'deliveries':
      return { deliveryIds: events.value.deliveryIds.map((id) => id.toLowerCase()) };
    case 'range':
      return events.value;
    case 'since': {
      const since = toBound(events.value, 'since') ?? 0;
      if (since < (Date.now() - DELIVERIES_KEPT_MS) * MICROS_PER_MS)
        throw refuseField('INVALID_FIELD', 'since', WITHIN_30_DAYS);
      return { since };
    }
    default:
      throw refuseField('INVALID_FIELD', 'events', IS_REQUIRED);
  }
}

const PAUSE_REASONS: Record<PauseReason, WirePauseReason> = {
  owner: WirePauseReason.OWNER,
  failing: WirePauseReason.FAILING,
  gone: WirePauseReason.GONE,
};

const DELIVERY_STATES: Record<DeliveryState, WireDeliveryState> = {
  pending: WireDeliveryState.PENDING,
  retrying: WireDeliveryState.RETRYING,
  delivered: WireDeliveryState.DELIVERED,
  expired: WireDeliveryState.EXPIRED,
};
const STATE_OF = new Map(
  Object.entries(DELIVERY_STATES).map(([state, wire]) => [wire, state as DeliveryState]),
);

function toWebhook(webhook: Webhook) {
  const { pauseReason, pausedAt, previous } = webhook;
  return {
    webhookId: webhook.id,
    url: webhook.url,
    types: [...webhook.types],
    description: webhook.description,
    state: pauseReason === undefined ? WireState.ACTIVE : WireState.PAUSED,
    pauseReason: pauseReason === undefined ? WirePauseReason.UNSPECIFIED : PAUSE_REASONS[pauseReason],
    publicKey: webhook.publicKey,
    previousPublicKey: previous?.publicKey ?? '',
    previousSecretExpiresAt: previous && toTimestamp(previous.until),
    createdAt: toTimestamp(webhook.createdAt),
    pausedAt: pausedAt === undefined ? undefined : toTimestamp(pausedAt),
    lastSequence: webhook.lastSequence,
    isRedelivering: webhook.isRedelivering,
    expiredFirstSequence: webhook.expired?.first ?? 0n,
    expiredLastSequence: webhook.expired?.last ?? 0n,
  };
}

function toDelivery(delivery: Delivery) {
  const { nextAttemptAt, deliveredAt } = delivery;
  return {
    deliveryId: delivery.id,
    eventId: delivery.eventId,
    sequence: delivery.sequence ?? 0n,
    type: delivery.type,
    state: DELIVERY_STATES[delivery.state],
    attemptCount: delivery.attemptCount,
    attempts: delivery.attempts.map(({ at, status, tookMs, error }) => ({
      attemptedAt: toTimestamp(at),
      statusCode: status,
      duration: toDuration(tookMs / 1000),
      error,
    })),
    createdAt: toTimestamp(delivery.createdAt),
    nextAttemptAt: nextAttemptAt === undefined ? undefined : toTimestamp(nextAttemptAt),
    deliveredAt: deliveredAt === undefined ? undefined : toTimestamp(deliveredAt),
  };
}
