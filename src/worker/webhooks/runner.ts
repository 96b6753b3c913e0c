// Shares webhooks out among workers: each holds some by leases, sends for these, and leaves the rest to others.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Hold, holdWebhooks, releaseWebhooks } from '../../db/webhooks/index.ts';
import { Receiver } from './receiver.ts';
import { AttemptRecorder } from './recorder.ts';
import type { WebhookTools } from './tools.ts';

/** How long the runner waits, in milliseconds. */
export interface WebhookTimes {
  /** How often it asks what is new. */
  readonly pollMs: number;
  /** How long a webhook stays with a worker that died. */
  readonly leaseMs: number;
}

/** The times of workers in production; tests have shorter ones. */
export const WEBHOOK_TIMES: WebhookTimes = { pollMs: 100, leaseMs: 10_000 };

/** Without webhooks it asks less often. */
const IDLE_FACTOR = 5;
/** How many webhooks are taken at a time, so that several workers that start together share them out. */
const TAKEN_AT_ONCE = 4;
/** How long what is under way may take when the worker stops, in milliseconds. */
const STOP_MS = 2_000;

/** Starts it. Disposing of it lets what is under way end, and leaves its webhooks to other workers. */
export function createWebhookRunner(
  tools: Omit<WebhookTools, 'stopping'>,
  times: WebhookTimes = WEBHOOK_TIMES,
): AsyncDisposable {
  const runner = new WebhookRunner(tools, times);
  return { [Symbol.asyncDispose]: () => runner.stop() };
}

class WebhookRunner {
  readonly #worker = randomUUID();
  readonly #stopping = new AbortController();
  readonly #cutOff = new AbortController();
  readonly #tools: WebhookTools;
  readonly #times: WebhookTimes;
  readonly #recorder: AttemptRecorder;
  readonly #receivers = new Map<string, Receiver>();
  /** Those that were given up and are still busy. */
  readonly #ending = new Set<Receiver>();
  readonly #running: Promise<void>;

  constructor(tools: Omit<WebhookTools, 'stopping'>, times: WebhookTimes) {
    this.#tools = { ...tools, stopping: this.#cutOff.signal };
    this.#times = times;
    this.#recorder = new AttemptRecorder(tools.pool, (error) =>
      tools.observer.trouble('recording attempts of webhooks', error),
    );
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    for (const receiver of this.#receivers.values()) this.#close(receiver);
    const late = AbortSignal.timeout(STOP_MS);
    while (!late.aborted && [...this.#ending].some(({ isBusy }) => isBusy)) await sleep(20);
    this.#cutOff.abort();
    this.#tools.sender[Symbol.dispose]();
    await this.#recorder.flush(AbortSignal.timeout(STOP_MS));
    await releaseWebhooks(this.#tools.pool, this.#worker).catch((error: unknown) =>
      this.#tools.observer.trouble('leaving webhooks to other workers', error),
    );
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#poll().catch((error: unknown) => this.#tools.observer.trouble('holding webhooks', error));
      const ms = this.#receivers.size === 0 ? IDLE_FACTOR * this.#times.pollMs : this.#times.pollMs;
      await sleep(ms, undefined, { signal }).catch(() => {});
    }
  }

  async #poll(): Promise<void> {
    const { pool, feed } = this.#tools;
    const { leaseMs } = this.#times;
    const askedAt = performance.now();
    const holds = await holdWebhooks(pool, this.#worker, leaseMs, TAKEN_AT_ONCE);
    const leases = new Map(holds.map(({ id, lease }) => [id, lease]));
    for (const [id, receiver] of this.#receivers) {
      // Where another worker had it in between, what is known of it is old.
      if (leases.get(id) === receiver.lease) continue;
      this.#receivers.delete(id);
      this.#close(receiver);
    }
    for (const receiver of this.#ending) if (!receiver.isBusy) this.#ending.delete(receiver);
    if (holds.length === 0) return;
    const end = await feed.end();
    const heldUntil = askedAt + leaseMs / 2;
    for (const hold of holds) {
      const receiver = this.#receivers.get(hold.id) ?? this.#open(hold);
      receiver.wake(hold.version, end, heldUntil);
    }
  }

  #open(hold: Hold): Receiver {
    const receiver = new Receiver(hold, this.#worker, this.#tools, this.#recorder);
    this.#receivers.set(hold.id, receiver);
    return receiver;
  }

  #close(receiver: Receiver): void {
    receiver.close();
    this.#ending.add(receiver);
  }
}
