// Types of opossum 10, as far as they are used here; @types/opossum describes version 8.

declare module 'opossum' {
  import type { EventEmitter } from 'node:events';

  /** Counts of the rolling window. */
  interface Stats {
    readonly fires: number;
    readonly successes: number;
    readonly failures: number;
    /** Calls that failed at once because the breaker was open. */
    readonly rejects: number;
    /** Calls that failed at once because the capacity was used up. */
    readonly semaphoreRejections: number;
  }

  interface Options<Args extends unknown[]> {
    readonly name?: string;
    /** In milliseconds; false for none. */
    readonly timeout: number | false;
    /** Calls under way at a time; calls beyond that fail with the code ESEMLOCKED. */
    readonly capacity: number;
    /** Opens when more of the window's calls fail, in percent. */
    readonly errorThresholdPercentage: number;
    /** The least number of calls in the window for that. */
    readonly volumeThreshold: number;
    /** The length of the window, in milliseconds. */
    readonly rollingCountTimeout: number;
    /** After this many milliseconds an open breaker becomes half-open. */
    readonly resetTimeout: number;
    readonly rollingPercentilesEnabled: boolean;
    readonly enableSnapshots: boolean;
    /** True for errors that do not count as failures: `success` is emitted with the error, and the call rejects all the same. */
    readonly errorFilter: (error: Error & { readonly code?: unknown }, ...args: Args) => boolean;
  }

  interface Events<Args extends unknown[], Result> {
    success: [result: Result | Error, latencyMs: number];
    failure: [error: Error, latencyMs: number, args: Args];
    reject: [error: Error];
    semaphoreLocked: [error: Error, latencyMs: number];
    open: [];
    halfOpen: [resetTimeoutMs: number];
    close: [];
  }

  export default class CircuitBreaker<Args extends unknown[], Result> extends EventEmitter<
    Events<Args, Result>
  > {
    constructor(action: (...args: Args) => Promise<Result>, options: Options<Args>);
    fire(...args: Args): Promise<Result>;
    open(): void;
    shutdown(): void;
    readonly closed: boolean;
    readonly opened: boolean;
    readonly halfOpen: boolean;
    readonly stats: Stats;
  }
}
