// A circuit breaker: a part that does not answer is left alone for a while, and its callers do not wait for it.
import CircuitBreaker from 'opossum';

/** Closed: calls go through. Open: they fail at once. Half-open: one goes through, and decides which it will be. */
export type BreakerState = (typeof BREAKER_STATES)[number];
export const BREAKER_STATES = ['closed', 'half-open', 'open'] as const;

/** How a breaker behaves. */
export interface BreakerOptions {
  /** After so many milliseconds a call has failed. */
  readonly timeoutMs: number;
  /** How many calls may be under way at a time; the ones above that fail at once, and are not held against the part. */
  readonly capacity: number;
  /** Told of every change, and when it opens, of the failure that made it so. */
  readonly onStateChange: (state: BreakerState, cause?: Error) => void;
}

export interface Breaker extends Disposable {
  /**
   * Does the work, or throws: the work's own error, that it took too long, that too many are under way, or that the
   * breaker is open. Work that does what so many callers asked for fails for each of them.
   */
  run<T>(work: () => Promise<T>, callers?: number): Promise<T>;
  state(): BreakerState;
}

/** Opens when more than half of the last second's calls failed, and there were at least a few. */
const OPENS_AT = { errorThresholdPercentage: 50, volumeThreshold: 5, rollingCountTimeout: 1_000 };
/** Opens also after so many failures in a row: under load, half of a second's calls would take most of a second. */
const OPENS_AFTER = 5;
const TRY_AGAIN_MS = 1_000;

const OPEN = new Error('the breaker is open');
const FULL = new Error('too many calls are under way');

/** Creates a breaker, closed. */
export function createBreaker({ timeoutMs, capacity, onStateChange }: BreakerOptions): Breaker {
  let underWay = 0;
  let failuresInARow = 0;
  const settled = () => {
    underWay -= 1;
  };
  const start = (work: () => Promise<unknown>, callers: number) => {
    const started = work();
    underWay += 1;
    return within(timeoutMs, started, settled).catch((error) => {
      failuresInARow += callers;
      throw error;
    });
  };
  const circuit = new CircuitBreaker(start, {
    ...OPENS_AT,
    timeout: false,
    resetTimeout: TRY_AGAIN_MS,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
  });
  let failure: Error | undefined;
  circuit.on('success', () => {
    failuresInARow = 0;
  });
  circuit.on('failure', (error) => {
    failure = error;
    if (failuresInARow >= OPENS_AFTER) circuit.open();
  });
  circuit.on('open', () => onStateChange('open', failure));
  circuit.on('halfOpen', () => onStateChange('half-open'));
  circuit.on('close', () => onStateChange('closed'));
  return {
    run: <T>(work: () => Promise<T>, callers = 1) => {
      // While it is open every call comes here: opossum would make an error, with its stack, for each.
      if (circuit.opened) return Promise.reject(OPEN);
      // opossum would take this for a failure: a rush would open the breaker of a part that answers. The one call that
      // tries a part again always goes.
      if (circuit.closed && underWay >= capacity) return Promise.reject(FULL);
      return circuit.fire(work, callers) as Promise<T>;
    },
    state: () => (circuit.opened ? 'open' : circuit.halfOpen ? 'half-open' : 'closed'),
    [Symbol.dispose]: () => circuit.shutdown(),
  };
}

/** The work, or that it took too long; `settled` is told when it is over, however late. */
function within<T>(timeoutMs: number, work: Promise<T>, settled: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new Error(`no answer within ${timeoutMs} ms`));
    // Timers come before what the sockets have received. Where it was this process that stood still, the answer may be
    // there: it is read before the call is given up.
    const timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      settled();
    });
  });
}
