// Metrics of what is sent to webhooks. The gauges stand in the database, so every worker tells the same.
import { Counter, Histogram, type Registry } from 'prom-client';
import { DELIVERY_OUTCOMES, type DeliveryOutcome } from '../../domain/webhook.ts';
import { type StateGauge, stateGauges } from './gauges.ts';

/** Records attempts to deliver events. It does not throw. */
export interface WebhookRecorder {
  attempted(outcome: DeliveryOutcome, tookMs: number): void;
  /** So many events were kept no longer when a webhook came to them. */
  expired(count: number): void;
}

/** How all webhooks stand. */
export interface WebhookStates {
  readonly active: number;
  readonly paused: number;
  readonly oldestUndeliveredSeconds: number;
}

/** An attempt ends after 10 s. */
const SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10];

const GAUGES: readonly StateGauge<WebhookStates>[] = [
  {
    name: 'ppuri_webhooks_active',
    help: 'Webhooks that send events.',
    read: ({ active }) => active,
  },
  {
    name: 'ppuri_webhooks_paused',
    help: 'Webhooks that send nothing until their owner lets them go on.',
    read: ({ paused }) => paused,
  },
  {
    name: 'ppuri_webhook_oldest_undelivered_seconds',
    help: 'For how long an event that an active webhook has to send is not delivered; of several, the longest.',
    read: ({ oldestUndeliveredSeconds }) => oldestUndeliveredSeconds,
  },
];

/** Creates them; `readStates` reads how webhooks stand. */
export function webhookMetrics(
  registry: Registry,
  readStates: () => Promise<WebhookStates>,
): WebhookRecorder {
  stateGauges(registry, GAUGES, readStates);
  const attempts = new Histogram({
    name: 'ppuri_webhook_attempt_seconds',
    help: 'Attempts to deliver an event, by how they ended.',
    labelNames: ['outcome'],
    buckets: SECONDS,
    registers: [registry],
  });
  for (const outcome of DELIVERY_OUTCOMES) attempts.zero({ outcome });
  const expired = new Counter({
    name: 'ppuri_webhook_expired_events_total',
    help: 'Events that a webhook did not send because they were kept no longer when it came to them, those of all types counted in.',
    registers: [registry],
  });
  return {
    attempted: (outcome, tookMs) => attempts.observe({ outcome }, tookMs / 1000),
    expired: (count) => expired.inc(count),
  };
}
