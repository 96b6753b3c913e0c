// Notes what comes back, and counts what belongs to the time that is measured.
import { Histogram } from './histogram.ts';
import type { Answer } from './ledger.ts';
import type { Load } from './work.ts';

/** Notes calls and answers. Moments are those of performance.now(). */
export class Recorder {
  readonly #latencies = new Histogram();
  readonly #refusals = new Map<string, number>();
  readonly #accepted: string[] = [];
  #from = Number.POSITIVE_INFINITY;
  #until = Number.POSITIVE_INFINITY;
  #lastOk = 0;
  #sent = 0;
  #completed = 0;
  #held = 0;

  /** From now on it counts. */
  record(): void {
    this.#from = performance.now();
  }

  /** What comes from now on does not count, but for the latency of calls that were made before. */
  stop(): void {
    this.#until = performance.now();
  }

  /** A call was due that could not be made. */
  hold(): void {
    if (this.#counts(performance.now())) this.#held += 1;
  }

  /** A call is made. */
  send(): void {
    if (this.#counts(performance.now())) this.#sent += 1;
  }

  /** The answer to a call that was made (or due) at `start`; its idempotency key is kept when it is given. */
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

  load(): Load {
    return {
      seconds: (Math.min(this.#until, performance.now()) - this.#from) / 1000,
      sent: this.#sent,
      completed: this.#completed,
      held: this.#held,
      latencies: this.#latencies.counts,
      refusals: this.#refusals,
      lastOkSeconds: Math.max(0, this.#lastOk - this.#from) / 1000,
      accepted: this.#accepted,
    };
  }

  #counts(moment: number): boolean {
    return moment >= this.#from && moment < this.#until;
  }
}
