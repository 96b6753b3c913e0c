// Calls that are made ready ahead, signature and all, so that making them is not measured with what they are made for.
import type { Answer, Ledger } from './ledger.ts';

/** A call that is ready to go. */
export interface ReadyCall {
  /** Its number. */
  readonly n: number;
  readonly send: () => Promise<Answer>;
}

/** A signature is good for a minute; what is older than this is made anew. */
const FRESH_MS = 40_000;

/** The calls of one process, in the order of their numbers. */
export class Stock {
  readonly #ledger: Ledger;
  readonly #next: () => number;
  #ready: (ReadyCall | undefined)[] = [];
  #given = 0;
  #freshUntil = 0;

  /** `next` numbers the calls. */
  constructor(ledger: Ledger, next: () => number) {
    this.#ledger = ledger;
    this.#next = next;
  }

  /** Makes so many calls ready. Nothing else happens meanwhile. */
  fill(calls: number): void {
    this.#ready = Array.from({ length: calls }, () => this.#make(this.#next()));
    this.#given = 0;
    this.#freshUntil = performance.now() + FRESH_MS;
  }

  /** The next call: from the stock, or made now where there is none left. */
  take(): ReadyCall {
    const call = this.#ready[this.#given];
    // What is given out is not held any longer.
    this.#ready[this.#given++] = undefined;
    if (call === undefined) return this.#make(this.#next());
    return performance.now() < this.#freshUntil ? call : this.#make(call.n);
  }

  #make(n: number): ReadyCall {
    return { n, send: this.#ledger.ready(n) };
  }
}
