// Webhooks: what belongs to one, what is on its way to it, and when an event that was not taken is sent again.
import { selects } from './event.ts';
import type { Micros } from './time.ts';

/** Why a webhook is paused. */
export type PauseReason = 'owner' | 'failing' | 'gone';

/** A webhook, without its secret. */
export interface Webhook {
  readonly id: string;
  readonly url: string;
  /** All where empty. */
  readonly types: readonly string[];
  readonly description: string;
  /** Undefined while it is active. */
  readonly pauseReason: PauseReason | undefined;
  readonly pausedAt: Micros | undefined;
  /** `whpk_` and an Ed25519 public key in base64. */
  readonly publicKey: string;
  /** What the key replaced, while that still signs. */
  readonly previous: { readonly publicKey: string; readonly until: Micros } | undefined;
  /** The last event of the feed that was taken up for it. */
  readonly lastSequence: bigint;
  /** The last range of events, of all types, that it came to when the feed kept them no longer. */
  readonly expired: { readonly first: bigint; readonly last: bigint } | undefined;
  /** Whether a range of the feed is being taken up once more. */
  readonly isRedelivering: boolean;
  readonly createdAt: Micros;
}

/** One attempt to deliver an event. */
export interface Attempt {
  readonly at: Micros;
  /** The status of HTTP; 0 where there was no answer. */
  readonly status: number;
  readonly tookMs: number;
  /** Empty where the receiver took the event. */
  readonly error: string;
}

/** The state of a delivery; `expired`: the feed kept the event no longer before its receiver took it. */
export const DELIVERY_STATES = ['pending', 'retrying', 'delivered', 'expired'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** An event on its way to a webhook. */
export interface Delivery {
  readonly id: string;
  readonly eventId: string;
  /** Undefined for a test event. */
  readonly sequence: bigint | undefined;
  readonly type: string;
  readonly state: DeliveryState;
  readonly attemptCount: number;
  /** The last MAX_ATTEMPTS_KEPT, oldest first. */
  readonly attempts: readonly Attempt[];
  readonly createdAt: Micros;
  readonly nextAttemptAt: Micros | undefined;
  readonly deliveredAt: Micros | undefined;
}

/** How attempts end: taken, refused by the receiver's status, without an answer in time, without a connection, or not sent. */
export const DELIVERY_OUTCOMES = [
  'delivered',
  'rejected',
  'timed_out',
  'unreachable',
  'not_allowed',
] as const;
export type DeliveryOutcome = (typeof DELIVERY_OUTCOMES)[number];

/** The type of the event that SendTestEvent sends. */
export const TEST_EVENT = 'webhook.test';
/** How many attempts of a delivery are kept. */
export const MAX_ATTEMPTS_KEPT = 20;
/** How many test events a webhook may have on their way. */
export const MAX_TEST_EVENTS = 10;
/** How long deliveries are kept, and how far back events are sent again, in milliseconds. */
export const DELIVERIES_KEPT_MS = 30 * 24 * 3_600_000;
/** How long a replaced secret signs unless the caller says otherwise, in milliseconds. */
export const DEFAULT_OVERLAP_MS = 24 * 3_600_000;

/** When an event that was not taken is sent again, and when that ends; in milliseconds. */
export interface RetryPolicy {
  readonly firstMs: number;
  readonly mostMs: number;
  /** After how long without success the webhook is paused. */
  readonly giveUpMs: number;
  /** After how long without a success the next one says that the receiver is back: then all that failed is sent at once. */
  readonly awayMs: number;
}

/** 5 s after the first attempt, then twice as long after each, up to an hour; for 3 days. */
export const RETRIES: RetryPolicy = {
  firstMs: 5_000,
  mostMs: 3_600_000,
  giveUpMs: 3 * 24 * 3_600_000,
  awayMs: 60_000,
};

/**
 * How long to wait after the attempt with this number (from 1), in milliseconds: exponential, and of that a random share from a
 * half to all, so that the events of a receiver that comes back do not arrive at once.
 * @param random From 0 to 1.
 * @param askedMs How long the receiver asked to wait (Retry-After), if it did; at most `mostMs` is heeded.
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, random: number, askedMs = 0): number {
  const most = Math.min(policy.mostMs, policy.firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.max(most * (0.5 + random / 2), Math.min(askedMs, policy.mostMs));
}

/** Whether a webhook sends events of this type; it always sends test events. */
export function sends(types: readonly string[], type: string): boolean {
  return selects(types, type) || type === TEST_EVENT;
}
