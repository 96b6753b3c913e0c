// Webhooks and their deliveries, from the primary: their owners follow what is on its way.
import { createWebhooks, type Webhooks } from '../db/webhooks/index.ts';
import type { ReadSources } from './sources.ts';

/** Webhooks as their owners see them. */
export type WebhookRepository = Webhooks;

export function createWebhookRepository({ primary }: Pick<ReadSources, 'primary'>): WebhookRepository {
  return createWebhooks(primary);
}
