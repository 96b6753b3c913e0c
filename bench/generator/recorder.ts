// Records answers, and counts those in the measured time.
import { Histogram } from './histogram.ts';
import type { WorkerResult } from './protocol.ts';
import type { Answer } from './target.ts';

/** Records calls and answers. Times are those of performance.now(). */
export class Recorder {
  readonly #latencies = new Histogram();
  readonly #refusals = new Map<string, number>();
  readonly #accepted: string[] = [];
  #from = Number.POSITIVE_INFINITY;
  #until = Number.POSITIVE_INFINITY;
  #lastOk = 0;
  #sent = 0;
  #completed = 0;
  #dropped = 0;

  /** Starts counting. */
  record(): void {
    this.#from = performance.now();
  }

  /** Stops counting, except for the latency of calls that were made before. */
  stop(): void {
    this.#until = performance.now();
  }

  /** A call was due and not made. */
  drop(): void {
    if (this.#counts(performance.now())) this.#dropped += 1;
  }

  /** A call is made. */
  send(): void {
    if (this.#counts(performance.now())) this.#sent += 1;
  }

  /** The answer to a call that was made (or due) at `start`; keeps its idempotency key if one is given. */
  note(answer: Answer, start: number, acceptedKey?: string): void {
    const now = performance.now();
    if (answer === undefined) {
      if (acceptedKey !== undefined) this.#accepted.push(acceptedKey);
      if (this.#counts(now)) {
        this.#completed += 1;
        this.#lastOk = now;
      }
      if (this.#counts(start)) this.#latencies.add(now - start);
    } else if (this.#counts(now) || this.#counts(start)) {
      this.#refusals.set(answer, (this.#refusals.get(answer) ?? 0) + 1);
    }
  }

  result(): WorkerResult {
    return {
      seconds: (Math.min(this.#until, performance.now()) - this.#from) / 1000,
      sent: this.#sent,
      completed: this.#completed,
      dropped: this.#dropped,
      latencies: this.#latencies.counts,
      refusals: this.#refusals,
      lastOkSeconds: Math.max(0, this.#lastOk - this.#from) / 1000,
      accepted: this.#accepted,
    };
  }

  #counts(time: number): boolean {
    return time >= this.#from && time < this.#until;
  }
}
