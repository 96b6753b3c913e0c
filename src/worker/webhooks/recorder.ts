// Writes what became of attempts, many in a statement, and keeps what the database does not take until it does.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '../../db/pool.ts';
import { type AttemptResult, recordAttempts } from '../../db/webhooks/index.ts';

/** The most attempts in a statement. */
const BATCH = 500;
/** How long a statement that failed is waited for, in milliseconds. */
const AGAIN_MS = 200;

/** Records attempts in their order. */
export class AttemptRecorder {
  readonly #pool: Pool;
  readonly #onFault: (error: unknown) => void;
  #results: AttemptResult[] = [];
  #writing: Promise<void> | undefined;

  constructor(pool: Pool, onFault: (error: unknown) => void) {
    this.#pool = pool;
    this.#onFault = onFault;
  }

  /** How many are not written yet. */
  get size(): number {
    return this.#results.length;
  }

  /** Whether a delivery has ended, which is not written yet. One that failed has not: it keeps its place in its lines. */
  hasEnded(deliveryId: string): boolean {
    return this.#results.some((one) => one.deliveryId === deliveryId && one.nextAttemptAt === undefined);
  }

  add(result: AttemptResult): void {
    this.#results.push(result);
    this.#writing ??= this.#write();
  }

  /** Resolves once all that was added before is written, or the signal is aborted. */
  async flush(signal: AbortSignal): Promise<void> {
    while (this.#results.length > 0 && !signal.aborted)
      await Promise.race([this.#writing, sleep(AGAIN_MS, undefined, { signal }).catch(() => {})]);
  }

  async #write(): Promise<void> {
    // What else ends in this turn of the event loop goes along.
    await new Promise(setImmediate);
    while (this.#results.length > 0) {
      const batch = firstOfEach(this.#results.slice(0, BATCH));
      try {
        await recordAttempts(this.#pool, batch);
        const written = new Set(batch);
        this.#results = this.#results.filter((result) => !written.has(result));
      } catch (error) {
        this.#onFault(error);
        await sleep(AGAIN_MS, undefined, { ref: false });
      }
    }
    this.#writing = undefined;
  }
}

/** The first result of each delivery: a statement changes a row once. */
function firstOfEach(results: readonly AttemptResult[]): AttemptResult[] {
  const seen = new Set<string>();
  return results.filter(({ deliveryId }) => !seen.has(deliveryId) && seen.add(deliveryId));
}
