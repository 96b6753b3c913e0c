// A circuit breaker: a dependency that does not answer is left alone for a while, and its callers do not wait for it.
import CircuitBreaker from 'opossum';

/** Closed: calls go through. Open: they fail at once. Half-open: one goes through, and decides which it will be. */
export type BreakerState = (typeof BREAKER_STATES)[number];
export const BREAKER_STATES = ['closed', 'half-open', 'open'] as const;

/** How a breaker behaves. */
export interface BreakerOptions {
  /** After this many milliseconds a call has failed. */
  readonly timeoutMs: number;
  /** Calls under way at a time (a bulkhead); calls beyond that fail at once, and do not count as the dependency's failures. */
  readonly capacity: number;
  /** Called for every change; when it opens, with the failure that caused it. */
  readonly onStateChange: (state: BreakerState, cause?: Error) => void;
}

/** What a breaker shows of itself. */
export interface BreakerStatus {
  state(): BreakerState;
  /** Calls of the last second, by what became of them. */
  stats(): BreakerStats;
}

/** Counts of calls. */
export interface BreakerStats {
  readonly fires: number;
  /** Of them, those that failed, timeouts included. */
  readonly failures: number;
  /** Of them, those that failed at once because the breaker was open. */
  readonly rejects: number;
  /** Of them, those that failed at once because too many calls were under way. */
  readonly semaphoreRejections: number;
}

export interface Breaker extends BreakerStatus, Disposable {
  /**
   * Runs the work. Rejects with the work's own error, or because it took too long, too many calls are under way, or the breaker
   * is open. Work that serves several callers counts as one failure for each of them.
   */
  run<T>(work: () => Promise<T>, callers?: number): Promise<T>;
}

/** Opens when more than half of a second's calls fail, and there were at least five. */
const THRESHOLDS = { errorThresholdPercentage: 50, volumeThreshold: 5, rollingCountTimeout: 1_000 };
/** Also opens after this many failures in a row: under load it takes most of a second until half of a second's calls failed. */
const MAX_FAILURES_IN_A_ROW = 5;
/** How long it stays open, in milliseconds. */
const RESET_MS = 1_000;

type Args = [work: () => Promise<unknown>, callers: number];

/** Creates a breaker, closed. */
export function createBreaker({ timeoutMs, capacity, onStateChange }: BreakerOptions): Breaker {
  let failuresInARow = 0;
  let cause: Error | undefined;
  const circuit: CircuitBreaker<Args, unknown> = new CircuitBreaker<Args, unknown>(
    (work) => withTimeout(work(), timeoutMs),
    {
      ...THRESHOLDS,
      capacity,
      resetTimeout: RESET_MS,
      // opossum's own timer fires before what the sockets have received is read: see withTimeout.
      timeout: false,
      // Nobody reads percentiles and snapshots, and they cost something with each call.
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      // A rush must not open the breaker of a dependency that answers. Half-open, only an answer closes it.
      errorFilter: (error) => error.code === 'ESEMLOCKED' && !circuit.halfOpen,
    },
  );
  circuit.on('success', (result) => {
    // Errors that are filtered out arrive here as well, and say nothing of the dependency.
    if (!(result instanceof Error)) failuresInARow = 0;
  });
  circuit.on('failure', (error, _latencyMs, [, callers]) => {
    cause = error;
    failuresInARow += callers;
    if (failuresInARow >= MAX_FAILURES_IN_A_ROW) circuit.open();
  });
  circuit.on('open', () => onStateChange('open', cause));
  circuit.on('halfOpen', () => onStateChange('half-open'));
  circuit.on('close', () => onStateChange('closed'));
  return {
    // The action returns what the work does.
    run: <T>(work: () => Promise<T>, callers = 1) => circuit.fire(work, callers) as Promise<T>,
    state: () => (circuit.opened ? 'open' : circuit.halfOpen ? 'half-open' : 'closed'),
    stats: () => circuit.stats,
    [Symbol.dispose]: () => circuit.shutdown(),
  };
}

/**
 * The work, or an error once it took too long. Timers fire before sockets are read, so where this process itself stood still
 * (garbage collection, a busy machine) the answer may have arrived already: it is read before the work is given up.
 */
function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new Error(`no answer within ${timeoutMs} ms`));
    const timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
    work.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
