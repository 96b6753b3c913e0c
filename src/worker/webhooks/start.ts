// Starts sending to webhooks, in a worker that has the keys which their secrets are sealed with.
import type { Pool } from '../../db/pool.ts';
import { webhookStates } from '../../db/webhooks/index.ts';
import { errorText } from '../../domain/error-fields.ts';
import type { FeedEvent } from '../../domain/event.ts';
import { RETRIES, type RetryPolicy } from '../../domain/webhook.ts';
import type { SealingKeys } from '../../keys/index.ts';
import { missingTransferAlarm, type Resources } from '../../runtime/index.ts';
import { createSender, type SenderOptions } from '../../webhooks/index.ts';
import type { WorkerConfig } from '../config.ts';
import { WEBHOOK_CONNECTIONS } from '../connections.ts';
import { bodyOf, createEventSource, linesOf } from '../feed/index.ts';
import { createWebhookRunner, WEBHOOK_TIMES, type WebhookTimes } from './runner.ts';
import type { WebhookObserver } from './tools.ts';

/** Where what is sent comes from, and what is told of it. */
export interface WebhookSources {
  readonly pool: Pool;
  readonly archive: Pool | undefined;
  readonly sealingKeys: SealingKeys;
  readonly observer: WebhookObserver;
  /** Called when the feed names transfers that neither database has. */
  onMissingTransfers(ids: readonly string[]): void;
}

/** How it is sent; tests send in other ways. */
export interface WebhookOptions {
  readonly times?: WebhookTimes;
  readonly retries?: RetryPolicy;
  readonly sender: SenderOptions;
  /** What an event waits behind: linesOf() when left out. */
  readonly walletIdsOf?: (event: FeedEvent) => readonly string[];
}

/** Sends to webhooks in a worker; without KEY_ENCRYPTION_KEYS it leaves that to others. */
export function startWebhooks(
  { keyEncryptionKeys, webhooksToLoopback }: Pick<WorkerConfig, 'keyEncryptionKeys' | 'webhooksToLoopback'>,
  resources: Resources,
  archive: Pool | undefined,
): void {
  if (keyEncryptionKeys === undefined) return;
  const { createPool, use, logs, metrics } = resources;
  const pool = createPool('webhooks', { maxConnections: WEBHOOK_CONNECTIONS });
  const { attempted, expired } = metrics.webhooks(() => webhookStates(pool));
  const observer: WebhookObserver = {
    attempted,
    expired: (webhookId, count) => {
      expired(count);
      logs.app.warn({ what: webhookId, count }, 'events for a webhook were kept no longer');
    },
    paused: (webhookId, reason) => logs.app.warn({ what: webhookId, reason }, 'a webhook was paused'),
    trouble: (what, error) => logs.app.warn({ what, reason: errorText(error) }, 'trouble with webhooks'),
  };
  const onMissingTransfers = missingTransferAlarm(resources);
  const sources = { pool, archive, observer, sealingKeys: keyEncryptionKeys, onMissingTransfers };
  use(createWebhooksOf(sources, { sender: { allowsLoopback: webhooksToLoopback } }));
}

/** Sends to webhooks until it is disposed of. */
export function createWebhooksOf(
  { pool, archive, onMissingTransfers, ...sources }: WebhookSources,
  { times = WEBHOOK_TIMES, retries = RETRIES, sender, walletIdsOf = linesOf }: WebhookOptions,
): AsyncDisposable {
  const tools = {
    ...{ ...sources, pool, retries },
    feed: createEventSource({ reads: pool, archive, onMissingTransfers }),
    sender: createSender(sender),
    toBody: bodyOf,
    walletIdsOf,
    random: Math.random,
  };
  return createWebhookRunner(tools, times);
}
