// What workers do to webhooks: they share them out by leases, take up events for them, and record what became of attempts.
import type { Micros } from '../../domain/time.ts';
import { type Attempt, MAX_ATTEMPTS_KEPT, type PauseReason } from '../../domain/webhook.ts';
import type { Pool } from '../pool.ts';
import { microsOf, plainArray, textArray, timestamptz } from '../sql.ts';
import { attemptJson } from './rows.ts';

/** That a worker holds a webhook. */
export interface Hold {
  readonly id: string;
  /** Changes with everything that servers do to the webhook. */
  readonly version: string;
  /** Changes when a worker takes it. */
  readonly lease: string;
}

/** A webhook that a worker sends for. */
export interface HeldWebhook {
  readonly id: string;
  readonly url: string;
  readonly types: readonly string[];
  readonly sealedKeys: string;
  /** What the keys replaced, and until when that signs too. */
  readonly previous: { readonly sealedKeys: string; readonly until: Micros } | undefined;
  readonly lastSequence: bigint;
  /** What is taken up once more. */
  readonly again: { readonly after: bigint; readonly through: bigint } | undefined;
  /** Changes with everything that servers do to it. */
  readonly version: string;
}

/** A delivery that is not taken yet. */
export interface UndeliveredEvent {
  readonly id: string;
  readonly eventId: string;
  /** Undefined for a test event. */
  readonly sequence: bigint | undefined;
  readonly type: string;
  readonly createdAt: Micros;
  readonly attemptCount: number;
  readonly failingSince: Micros | undefined;
  readonly nextAttemptAt: Micros;
}

/** An event that is taken up for a webhook. */
export interface TakenEvent {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly sequence: bigint;
  readonly type: string;
}

/** What became of an attempt. */
export interface AttemptResult {
  readonly deliveryId: string;
  readonly attempt: Attempt;
  /** When it is tried again; undefined where there is no more to do. */
  readonly nextAttemptAt: Micros | undefined;
  /** Whether it ends because the feed has the event no longer. */
  readonly isExpired?: boolean;
}

/**
 * One that nobody holds is taken, up to so many at a time, and one that the worker holds is kept, while a key of its owner is
 * live. A lease is put off when half of it is over.
 */
const HOLD = `
  WITH free AS (
    SELECT id FROM webhooks
    WHERE state = 'active' AND deleted_at IS NULL AND lease_until < clock_timestamp() AND key_line_is_live(owner_key_id)
    ORDER BY lease_until LIMIT $3 FOR UPDATE SKIP LOCKED)
  UPDATE webhooks w SET worker = $1, lease_until = clock_timestamp() + $2 * interval '1 millisecond',
    lease = CASE WHEN w.lease_until < clock_timestamp() THEN w.lease + 1 ELSE w.lease END
  WHERE w.id IN (SELECT id FROM free)
    OR (w.worker = $1 AND w.lease_until BETWEEN clock_timestamp() AND clock_timestamp() + $2 * interval '1 millisecond' / 2
      AND key_line_is_live(w.owner_key_id))`;

const HELD = `
  SELECT id, version::text, lease::text FROM webhooks
  WHERE worker = $1 AND lease_until > clock_timestamp() AND state = 'active' AND deleted_at IS NULL`;

const DETAILS = `
  SELECT url, types, sealed_keys, previous_sealed_keys, ${microsOf('previous_until')} AS previous_until, last_sequence,
    again_after, again_through, version::text
  FROM webhooks WHERE id = $1 AND worker = $2 AND state = 'active' AND deleted_at IS NULL`;

const RELEASE = `UPDATE webhooks SET worker = NULL, lease_until = '-infinity' WHERE worker = $1`;

const UNDELIVERED = `
  SELECT id, event_id, sequence, type, attempt_count, ${microsOf('created_at')} AS created_at,
    ${microsOf('failing_since')} AS failing_since, ${microsOf('next_attempt_at')} AS next_attempt_at
  FROM webhook_deliveries WHERE webhook_id = $1 AND delivered_at IS NULL ORDER BY sequence NULLS FIRST LIMIT $2`;

/** Nothing is taken up by a worker that has lost the webhook. */
const TAKE_UP = `
  WITH mine AS (
    UPDATE webhooks SET last_sequence = CASE WHEN $7 THEN last_sequence ELSE $6 END,
      again_after = CASE WHEN NOT $7 THEN again_after WHEN $6 < again_through THEN $6 END,
      again_through = CASE WHEN NOT $7 OR $6 < again_through THEN again_through END
    WHERE id = $1 AND worker = $8 AND CASE WHEN $7 THEN again_after < $6 ELSE last_sequence < $6 END
    RETURNING id),
  new AS (
    INSERT INTO webhook_deliveries AS d (id, webhook_id, event_id, sequence, type)
    SELECT taken.id, mine.id, taken.event_id, taken.sequence, taken.type
    FROM mine, unnest($2::uuid[], $3::text[], $4::bigint[], $5::text[]) AS taken (id, event_id, sequence, type)
    ON CONFLICT (webhook_id, sequence) DO UPDATE SET failing_since = NULL, pending_since = clock_timestamp(), next_attempt_at = clock_timestamp(),
      delivered_at = NULL, is_expired = false WHERE d.delivered_at IS NOT NULL
    RETURNING d.id, d.sequence, ${microsOf('d.created_at')} AS created_at, d.attempt_count)
  SELECT new.* FROM mine LEFT JOIN new ON true`;

/** Of the attempts of a delivery the last ones are kept. What was taken stays taken. */
const RECORD = `
  UPDATE webhook_deliveries d SET attempt_count = d.attempt_count + 1,
    attempts = (CASE WHEN jsonb_array_length(d.attempts) < ${MAX_ATTEMPTS_KEPT} THEN d.attempts ELSE d.attempts - 0 END) || r.attempt,
    failing_since = CASE WHEN r.next_attempt_at IS NULL THEN NULL ELSE coalesce(d.failing_since, clock_timestamp()) END,
    next_attempt_at = r.next_attempt_at,
    delivered_at = CASE WHEN r.next_attempt_at IS NULL THEN clock_timestamp() END, is_expired = r.is_expired
  FROM unnest($1::uuid[], $2::jsonb[], $3::timestamptz[], $4::boolean[]) AS r (id, attempt, next_attempt_at, is_expired)
  WHERE d.id = r.id AND d.delivered_at IS NULL`;

/** Not by a worker that has lost the webhook. A trigger announces it. */
const PASS_OVER = `
  UPDATE webhooks SET expired_after = last_sequence, expired_through = $3, last_sequence = $3
  WHERE id = $1 AND worker = $2 AND last_sequence < $3`;

const PAUSE = `
  UPDATE webhooks SET state = 'paused', pause_reason = $3, paused_at = clock_timestamp(), worker = NULL, lease_until = '-infinity'
  WHERE id = $1 AND worker = $2 AND state = 'active'`;

/**
 * Takes up to `atMost` webhooks that no worker holds, and puts the ends of the worker's leases off; returns what it holds. Each
 * lease that is put off lasts for half of `leaseMs` at least.
 */
export async function holdWebhooks(
  pool: Pool,
  worker: string,
  leaseMs: number,
  atMost: number,
): Promise<Hold[]> {
  await pool.query({ name: 'hold-webhooks', text: HOLD, values: [worker, leaseMs, atMost] });
  return (await pool.query<Hold>({ name: 'held-webhooks', text: HELD, values: [worker] })).rows;
}

/** A webhook that the worker holds; undefined where it is another's, paused or deleted by now. */
export async function heldWebhook(pool: Pool, id: string, worker: string): Promise<HeldWebhook | undefined> {
  type Row = {
    url: string;
    types: string[];
    sealed_keys: string;
    previous_sealed_keys: string | null;
    previous_until: string | null;
    last_sequence: string;
    again_after: string | null;
    again_through: string | null;
    version: string;
  };
  const { rows } = await pool.query<Row>({ name: 'held-webhook', text: DETAILS, values: [id, worker] });
  const [row] = rows;
  if (!row) return undefined;
  const { url, types, version, previous_sealed_keys: previous, again_after: after } = row;
  return {
    ...{ id, url, types, version },
    sealedKeys: row.sealed_keys,
    previous: previous === null ? undefined : { sealedKeys: previous, until: Number(row.previous_until) },
    lastSequence: BigInt(row.last_sequence),
    again: after === null ? undefined : { after: BigInt(after), through: BigInt(row.again_through ?? 0) },
  };
}

/** Leaves the worker's webhooks to others at once. */
export async function releaseWebhooks(pool: Pool, worker: string): Promise<void> {
  await pool.query({ name: 'release-webhooks', text: RELEASE, values: [worker] });
}

/** What a webhook has not delivered yet: test events first, then in the order of the feed. */
export async function undeliveredEvents(
  pool: Pool,
  webhookId: string,
  atMost: number,
): Promise<UndeliveredEvent[]> {
  type Row = {
    id: string;
    event_id: string;
    sequence: string | null;
    type: string;
    attempt_count: number;
    created_at: string;
    failing_since: string | null;
    next_attempt_at: string;
  };
  const { rows } = await pool.query<Row>({
    name: 'undelivered-events',
    text: UNDELIVERED,
    values: [webhookId, atMost],
  });
  return rows.map((row) => ({
    id: row.id,
    eventId: row.event_id,
    sequence: row.sequence === null ? undefined : BigInt(row.sequence),
    type: row.type,
    createdAt: Number(row.created_at),
    attemptCount: row.attempt_count,
    failingSince: row.failing_since === null ? undefined : Number(row.failing_since),
    nextAttemptAt: Number(row.next_attempt_at),
  }));
}

/** What is taken up, and how far that goes. */
export interface TakeUp {
  readonly webhookId: string;
  readonly worker: string;
  readonly events: readonly TakenEvent[];
  /** The last sequence that was read of the feed, events of other types included. */
  readonly through: bigint;
  /** Whether it is of the range that is repeated. */
  readonly isRepeated: boolean;
}

/**
 * Moves a webhook's place in the feed on and takes up the events before it, in one transaction; returns the sequences of those
 * that are to be delivered, with the ids of their deliveries. What is on its way already is not among them. Undefined where the
 * worker has lost the webhook, or its place is there already: nothing was done.
 */
export async function takeUpEvents(
  pool: Pool,
  { webhookId, worker, events, through, isRepeated }: TakeUp,
): Promise<Map<bigint, UndeliveredEvent> | undefined> {
  // Where the webhook has moved on and nothing is new, the one row is empty.
  type Row = { id: string; sequence: string | null; created_at: string; attempt_count: number };
  const { rows } = await pool.query<Row>({
    name: 'take-up-events',
    text: TAKE_UP,
    values: [
      webhookId,
      plainArray(events.map(({ deliveryId }) => deliveryId)),
      textArray(events.map(({ eventId }) => eventId)),
      plainArray(events.map(({ sequence }) => sequence)),
      textArray(events.map(({ type }) => type)),
      through,
      isRepeated,
      worker,
    ],
  });
  if (rows.length === 0) return undefined;
  const bySequence = new Map(events.map((event) => [event.sequence, event]));
  return new Map(
    rows.flatMap(({ id, sequence, created_at, attempt_count }) => {
      const event = sequence === null ? undefined : bySequence.get(BigInt(sequence));
      if (!event) return [];
      const createdAt = Number(created_at);
      const undelivered = { ...event, id, createdAt, attemptCount: attempt_count, failingSince: undefined };
      return [[event.sequence, { ...undelivered, nextAttemptAt: createdAt }] as const];
    }),
  );
}

/** Moves a webhook's place in the feed on over events that are kept no longer, and announces that. */
export async function passOverExpired(
  pool: Pool,
  webhookId: string,
  worker: string,
  through: bigint,
): Promise<void> {
  await pool.query({ name: 'pass-over-expired', text: PASS_OVER, values: [webhookId, worker, through] });
}

/** Records attempts, each delivery once at most. */
export async function recordAttempts(pool: Pool, results: readonly AttemptResult[]): Promise<void> {
  await pool.query({
    name: 'record-attempts',
    text: RECORD,
    values: [
      plainArray(results.map(({ deliveryId }) => deliveryId)),
      textArray(results.map(({ attempt }) => attemptJson(attempt))),
      textArray(
        results.map(({ nextAttemptAt }) =>
          nextAttemptAt === undefined ? undefined : timestamptz(nextAttemptAt),
        ),
      ),
      plainArray(results.map(({ isExpired = false }) => String(isExpired))),
    ],
  });
}

/** Deletes up to `atMost` old deliveries, and what deleted webhooks left; returns how many rows. */
export async function purgeWebhooks(pool: Pool, atMost: number): Promise<number> {
  const { rows } = await pool.query<{ gone: number }>('SELECT purge_webhooks($1) AS gone', [atMost]);
  return rows[0]?.gone ?? 0;
}

/** Pauses a webhook that the worker holds. */
export async function pauseWebhook(
  pool: Pool,
  webhookId: string,
  worker: string,
  reason: PauseReason,
): Promise<void> {
  await pool.query({ name: 'pause-webhook', text: PAUSE, values: [webhookId, worker, reason] });
}
