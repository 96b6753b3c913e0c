// What sending for webhooks works with.
import type { Pool } from '../../db/pool.ts';
import type { FeedEvent } from '../../domain/event.ts';
import type { DeliveryOutcome, PauseReason, RetryPolicy } from '../../domain/webhook.ts';
import type { SealingKeys } from '../../keys/index.ts';
import type { Sender } from '../../webhooks/index.ts';
import type { EventSource } from '../feed/index.ts';

/** Records how attempts go, for metrics and logs. It does not throw. */
export interface WebhookObserver {
  attempted(outcome: DeliveryOutcome, tookMs: number): void;
  /** A webhook was paused because its receiver takes nothing. */
  paused(webhookId: string, reason: PauseReason): void;
  /** Events, of all types that the feed has, were not sent to a webhook because they were kept no longer. */
  expired(webhookId: string, count: number): void;
  /** Something did not work and will be tried again. */
  trouble(what: string, error: unknown): void;
}

/** What sending works with. */
export interface WebhookTools {
  readonly pool: Pool;
  readonly feed: EventSource;
  readonly sender: Sender;
  readonly sealingKeys: SealingKeys;
  readonly observer: WebhookObserver;
  readonly retries: RetryPolicy;
  /** The body of an event: the same bytes whenever it is made. */
  toBody(event: FeedEvent): string;
  /** The wallets that an event is about, whose events stay in order. */
  walletIdsOf(event: FeedEvent): readonly string[];
  /** From 0 to 1. */
  random(): number;
  /** Aborted when the worker stops. */
  readonly stopping: AbortSignal;
}
