// Calls that are signed before they are needed, so that the cost of signing is not measured.
import type { Answer, TargetClient } from './target.ts';

/** A call that is ready to be sent. */
export interface ReadyCall {
  /** Its number. */
  readonly n: number;
  readonly send: () => Promise<Answer>;
}

/** A signature is valid for a minute; a call older than this is prepared again. */
const FRESH_MS = 40_000;

/** The calls of one process, in the order of their numbers. */
export class PreparedCalls {
  readonly #client: TargetClient;
  readonly #next: () => number;
  #ready: (ReadyCall | undefined)[] = [];
  #taken = 0;
  #freshUntil = 0;

  /** `next` numbers the calls. */
  constructor(client: TargetClient, next: () => number) {
    this.#client = client;
    this.#next = next;
  }

  /** Prepares this many calls, synchronously. */
  fill(calls: number): void {
    this.#ready = Array.from({ length: calls }, () => this.#prepare(this.#next()));
    this.#taken = 0;
    this.#freshUntil = performance.now() + FRESH_MS;
  }

  /** The next call: a prepared one, or a new one when none is left. */
  take(): ReadyCall {
    const call = this.#ready[this.#taken];
    // Lets go of calls that were handed out.
    this.#ready[this.#taken++] = undefined;
    if (call === undefined) return this.#prepare(this.#next());
    return performance.now() < this.#freshUntil ? call : this.#prepare(call.n);
  }

  #prepare(n: number): ReadyCall {
    return { n, send: this.#client.prepare(n) };
  }
}
