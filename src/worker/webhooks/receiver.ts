// Sends the events of one webhook that this worker holds: takes them up from the feed, and sends what is first for its wallets.
import { randomUUID } from 'node:crypto';
import {
  type HeldWebhook,
  type Hold,
  heldWebhook,
  passOverExpired,
  pauseWebhook,
  takeUpEvents,
  type UndeliveredEvent,
  undeliveredEvents,
} from '../../db/webhooks/index.ts';
import { DeliveryQueue } from '../../domain/delivery-queue.ts';
import { type FeedEvent, MISSING } from '../../domain/event.ts';
import { MICROS_PER_MS } from '../../domain/time.ts';
import {
  type DeliveryOutcome,
  type PauseReason,
  retryDelayMs,
  sends,
  TEST_EVENT,
} from '../../domain/webhook.ts';
import { openWebhookKeys, type SendResult, signedHeaders, type WebhookSigner } from '../../webhooks/index.ts';
import type { FeedEnd } from '../feed/index.ts';
import type { AttemptRecorder } from './recorder.ts';
import type { WebhookTools } from './tools.ts';

/** How many events wait for another attempt at most; the later ones wait in the feed. */
const MAX_UNDELIVERED = 1_000;
/** How many of those are read at a time; events that were asked for once more may be many. */
const MOST_LOADED = 2 * MAX_UNDELIVERED;
/** How many events are read of the feed at a time. */
const READ_AT_ONCE = 500;
/** The type of the events that are no announcements. */
const TRANSFER = 'transfer.posted';
/** How many requests of a webhook are under way at a time. */
const CONCURRENCY = 16;
/** How many attempts may wait to be written before no more are made. */
const MAX_UNRECORDED = 2_000;
/** RFC 9110, section 15.5.11: the receiver takes no more. */
const GONE = 410;

/** A delivery in memory. */
interface Outgoing {
  readonly id: string;
  readonly eventId: string;
  readonly walletIds: readonly string[];
  readonly body: string;
  /** Attempts since it fails. */
  failures: number;
  /** In milliseconds since 1970. */
  failingSinceMs: number | undefined;
}

/** A webhook with what it signs with; in milliseconds since 1970 until when. */
interface ReadyWebhook extends HeldWebhook {
  readonly signers: readonly { readonly signer: WebhookSigner; readonly untilMs: number }[];
}

/** One webhook that the worker holds. */
export class Receiver {
  /** Which lease it was held by first. */
  readonly lease: string;
  readonly #id: string;
  readonly #worker: string;
  readonly #tools: WebhookTools;
  readonly #recorder: AttemptRecorder;
  readonly #queue = new DeliveryQueue<Outgoing>();
  #webhook: ReadyWebhook | undefined;
  #version: string | undefined;
  /** Whether more may be undelivered than was read: they come before what is new. */
  #hasMore = false;
  #feedEnd: Pick<FeedEnd, 'sequence' | 'purgedThrough'> = { sequence: 0n, purgedThrough: 0n };
  /** Until when the lease is known to last, by performance.now(). */
  #heldUntil = 0;
  /** When the receiver last took an event, by performance.now(). */
  #takenAt = -Infinity;
  #inFlight = 0;
  #isClosed = false;
  #working: Promise<void> | undefined;

  constructor(
    { id, lease }: Pick<Hold, 'id' | 'lease'>,
    worker: string,
    tools: WebhookTools,
    recorder: AttemptRecorder,
  ) {
    this.#id = id;
    this.lease = lease;
    this.#worker = worker;
    this.#tools = tools;
    this.#recorder = recorder;
  }

  /** Whether requests are under way, or what it reads of the database. */
  get isBusy(): boolean {
    return this.#inFlight > 0 || this.#working !== undefined;
  }

  /** The worker still holds it, and this is what is new. */
  wake(version: string, feedEnd: FeedEnd, heldUntil: number): void {
    this.#version = version;
    this.#feedEnd = feedEnd;
    this.#heldUntil = heldUntil;
    this.#work();
  }

  /** Sends nothing more; what is under way ends by itself. */
  close(): void {
    this.#isClosed = true;
  }

  #work(): void {
    this.#working ??= this.#catchUp()
      .catch((error: unknown) => {
        this.#tools.observer.trouble('taking up events for a webhook', error);
        // Whether it was committed is unknown: all is read again.
        this.#webhook = undefined;
      })
      .finally(() => {
        this.#working = undefined;
        this.#pump();
      });
  }

  async #catchUp(): Promise<void> {
    if (this.#isClosed) return;
    if (this.#webhook?.version !== this.#version) await this.#reload();
    else if (this.#hasMore && this.#queue.size < MAX_UNDELIVERED / 4) await this.#loadUndelivered();
    this.#pump();
    while (this.#webhook && !this.#isClosed && (await this.#takeUp())) this.#pump();
  }

  /** Reads the webhook and what is undelivered, after it changed or was taken over. */
  async #reload(): Promise<void> {
    const { pool, sealingKeys } = this.#tools;
    const webhook = await heldWebhook(pool, this.#id, this.#worker);
    if (!webhook) {
      this.close();
      return;
    }
    const { sealedKeys, previous } = webhook;
    const signers = [{ signer: openWebhookKeys(sealingKeys, this.#id, sealedKeys), untilMs: Infinity }];
    if (previous) {
      const signer = openWebhookKeys(sealingKeys, this.#id, previous.sealedKeys);
      signers.push({ signer, untilMs: previous.until / MICROS_PER_MS });
    }
    await this.#loadUndelivered();
    this.#webhook = { ...webhook, signers };
  }

  async #loadUndelivered(): Promise<void> {
    const all = await undeliveredEvents(this.#tools.pool, this.#id, MOST_LOADED);
    this.#hasMore = all.length === MOST_LOADED;
    for (const row of all) this.#reschedule(row);
    const fresh = all.filter(({ id }) => !this.#queue.get(id) && !this.#recorder.hasEnded(id));
    for (const row of fresh) if (row.sequence === undefined) this.#enqueue(row, testEvent(row), []);
    let missing = fresh.filter(({ sequence }) => sequence !== undefined);
    const withTransfers = missing.some(({ type }) => sends([TRANSFER], type));
    while (missing.length > 0) {
      const first = missing[0]?.sequence ?? 1n;
      const events = new Map<bigint, FeedEvent>();
      for (const event of await this.#tools.feed.read(first - 1n, READ_AT_ONCE, withTransfers))
        events.set(event.sequence, event);
      const through = [...events.keys()].at(-1) ?? first;
      for (const row of missing) {
        if (row.sequence === undefined || row.sequence > through) break;
        const event = events.get(row.sequence);
        if (event) this.#enqueueEvent(row, event);
        else this.#forget(row);
      }
      missing = missing.filter(({ sequence }) => sequence !== undefined && sequence > through);
    }
  }

  /** What is on its way is sent when the row says, and begins to count its failures again where that has none. */
  #reschedule({ id, nextAttemptAt, failingSince }: UndeliveredEvent): void {
    const item = this.#queue.get(id);
    if (!item) return;
    this.#queue.reschedule(id, nextAttemptAt / MICROS_PER_MS);
    if (failingSince !== undefined) return;
    item.failures = 0;
    item.failingSinceMs = undefined;
  }

  /** An event that the feed keeps no longer. */
  #forget({ id }: UndeliveredEvent): void {
    const attempt = { at: Date.now() * MICROS_PER_MS, status: 0, tookMs: 0, error: 'EVENT_EXPIRED' };
    this.#recorder.add({ deliveryId: id, attempt, nextAttemptAt: undefined, isExpired: true });
    this.#tools.observer.expired(this.#id, 1);
  }

  /** The webhook has come to events that the feed keeps no longer: goes on after them, and tells it. */
  async #passOver(webhook: ReadyWebhook, through: bigint): Promise<ReadyWebhook> {
    await passOverExpired(this.#tools.pool, this.#id, this.#worker, through);
    this.#tools.observer.expired(this.#id, Number(through - webhook.lastSequence));
    return { ...webhook, lastSequence: through };
  }

  /** Takes up the next events; false where there are none, or enough. */
  async #takeUp(): Promise<boolean> {
    const { feed, pool } = this.#tools;
    let webhook = this.#webhook;
    if (!webhook || this.#hasMore || this.#queue.size >= MAX_UNDELIVERED - READ_AT_ONCE) return false;
    const { sequence: feedEnd, purgedThrough } = this.#feedEnd;
    if (webhook.lastSequence < purgedThrough) webhook = await this.#passOver(webhook, purgedThrough);
    const { again } = webhook;
    // What expired since it was asked for once more is left out.
    const after = later(again?.after ?? webhook.lastSequence, purgedThrough);
    const end = again?.through ?? feedEnd;
    if (after >= end && again === undefined) return false;
    const read = after >= end ? [] : await feed.read(after, READ_AT_ONCE, sends(webhook.types, MISSING));
    const events = read.filter(({ sequence }) => sequence <= end);
    const isPage = read.length === READ_AT_ONCE && events.length === read.length;
    const through = isPage ? (events.at(-1)?.sequence ?? end) : end;
    const wanted = events.filter(({ type }) => sends(webhook.types, type));
    const taken = await takeUpEvents(pool, {
      webhookId: this.#id,
      worker: this.#worker,
      events: wanted.map(({ eventId, sequence, type }) => ({
        deliveryId: randomUUID(),
        eventId,
        sequence,
        type,
      })),
      through,
      isRepeated: again !== undefined,
    });
    if (!taken) {
      // Another worker has it, or this one took up these before it took the webhook again, after this receiver had read what there was.
      this.#webhook = undefined;
      return false;
    }
    for (const event of wanted) {
      const row = taken.get(event.sequence);
      if (row) this.#enqueueEvent(row, event);
    }
    this.#webhook = again
      ? { ...webhook, again: through < again.through ? { ...again, after: through } : undefined }
      : { ...webhook, lastSequence: through };
    return true;
  }

  #enqueueEvent(row: UndeliveredEvent, event: FeedEvent): void {
    // A transfer that was missing when it was taken up may be there by now, or the other way round.
    const told = { ...row, eventId: event.eventId };
    this.#enqueue(told, this.#tools.toBody(event), this.#tools.walletIdsOf(event));
  }

  #enqueue(row: UndeliveredEvent, body: string, walletIds: readonly string[]): void {
    const { id, eventId, failingSince, attemptCount, nextAttemptAt } = row;
    const failures = failingSince === undefined ? 0 : attemptCount;
    const failingSinceMs = failingSince === undefined ? undefined : failingSince / MICROS_PER_MS;
    const item = { id, eventId, walletIds, body, failures, failingSinceMs };
    this.#queue.add(item, nextAttemptAt / MICROS_PER_MS);
  }

  #pump(): void {
    const isOurs = !this.#isClosed && performance.now() < this.#heldUntil;
    if (!isOurs || !this.#webhook || this.#recorder.size > MAX_UNRECORDED) return;
    for (const item of this.#queue.take(Date.now(), CONCURRENCY - this.#inFlight))
      void this.#send(item, this.#webhook);
  }

  async #send(item: Outgoing, { url, signers }: ReadyWebhook): Promise<void> {
    this.#inFlight += 1;
    const [at, startedAt] = [Date.now(), performance.now()];
    const valid = signers.filter(({ untilMs }) => untilMs > at).map(({ signer }) => signer);
    const result = await this.#tools.sender.send(
      url,
      signedHeaders(item.eventId, at, item.body, valid),
      item.body,
    );
    this.#inFlight -= 1;
    // What the end of the worker cut off was no attempt.
    if (this.#tools.stopping.aborted && result.error !== '') return;
    const tookMs = Math.round(performance.now() - startedAt);
    this.#tools.observer.attempted(outcomeOf(result), tookMs);
    this.#settle(item, result, {
      at: at * MICROS_PER_MS,
      status: result.status,
      tookMs,
      error: result.error,
    });
    this.#pump();
    if (this.#queue.size < MAX_UNDELIVERED / 4) this.#work();
  }

  #settle(
    item: Outgoing,
    result: SendResult,
    attempt: { at: number; status: number; tookMs: number; error: string },
  ): void {
    const deliveryId = item.id;
    const { retries, random } = this.#tools;
    const now = Date.now();
    if (result.error === '') {
      this.#queue.done(deliveryId);
      this.#recorder.add({ deliveryId, attempt, nextAttemptAt: undefined });
      if (performance.now() - this.#takenAt > retries.awayMs) this.#queue.hurry(now);
      this.#takenAt = performance.now();
      return;
    }
    item.failures += 1;
    item.failingSinceMs ??= now;
    const dueAt = now + retryDelayMs(retries, item.failures, random(), result.retryAfterMs);
    this.#queue.retry(deliveryId, dueAt, now + Math.min(result.retryAfterMs, retries.mostMs));
    this.#recorder.add({ deliveryId, attempt, nextAttemptAt: Math.round(dueAt * MICROS_PER_MS) });
    if (result.status === GONE) void this.#pause('gone');
    else if (now - item.failingSinceMs >= retries.giveUpMs) void this.#pause('failing');
  }

  async #pause(reason: PauseReason): Promise<void> {
    if (this.#isClosed) return;
    this.close();
    const { pool, observer } = this.#tools;
    try {
      await pauseWebhook(pool, this.#id, this.#worker, reason);
      observer.paused(this.#id, reason);
    } catch (error) {
      // The worker that holds it next sends once more, fails once more, and pauses it then.
      observer.trouble('pausing a webhook', error);
    }
  }
}

/** The body of a test event: the same bytes at each attempt. */
function testEvent({ id, createdAt }: UndeliveredEvent): string {
  return JSON.stringify({
    specversion: '1.0',
    id,
    source: '/ppuri',
    type: TEST_EVENT,
    time: new Date(Math.floor(createdAt / MICROS_PER_MS)).toISOString(),
    datacontenttype: 'application/json',
    data: {},
  });
}

function later(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}

function outcomeOf({ status, error }: SendResult): DeliveryOutcome {
  if (error === '') return 'delivered';
  if (status !== 0) return 'rejected';
  if (error === 'TIMED_OUT') return 'timed_out';
  return error === 'ADDRESS_NOT_ALLOWED' ? 'not_allowed' : 'unreachable';
}
