// Polls for those who wait for news: one poll for all of them, however many wait.

/** Nothing has happened. */
export const QUIET = Symbol('quiet');

/** What a poll has for one who waits. */
export type NewsOrQuiet<News> = News | typeof QUIET;

/** Tells those who wait what is new to them. */
export interface Poller<Known, News> {
  /**
   * What is new to one who knows this, as soon as a poll finds something; QUIET where none has within `quietMs` milliseconds. All
   * who wait share the poll. Rejects with the signal's reason once that is aborted, and where a poll fails.
   */
  next(known: Known, quietMs: number, signal: AbortSignal): Promise<NewsOrQuiet<News>>;
}

interface Waiter<Known, News> {
  readonly known: Known;
  /** By performance.now(). */
  readonly quietAt: number;
  resolve(news: NewsOrQuiet<News>): void;
  reject(error: unknown): void;
}

/**
 * Polls only while somebody waits, `intervalMs` milliseconds after the first one came or the poll before has ended. Telling
 * processes of each change over Redis or NOTIFY instead would cost the changes something, and be right only where nothing is lost.
 * `find` gets what each one who waits knows, and returns in the same order what is new to each.
 */
export function createPoller<Known, News>(
  intervalMs: number,
  find: (known: readonly Known[]) => Promise<readonly NewsOrQuiet<News>[]>,
): Poller<Known, News> {
  const waiters = new Set<Waiter<Known, News>>();
  let isScheduled = false;
  const schedule = () => {
    if (isScheduled || waiters.size === 0) return;
    isScheduled = true;
    setTimeout(poll, intervalMs);
  };
  const poll = async () => {
    const polled = [...waiters];
    if (polled.length > 0) await tell(polled);
    isScheduled = false;
    schedule();
  };
  const tell = async (polled: readonly Waiter<Known, News>[]) => {
    try {
      const found = await find(polled.map(({ known }) => known));
      const now = performance.now();
      for (const [index, waiter] of polled.entries()) {
        const news = found[index] as NewsOrQuiet<News>;
        if (news === QUIET && waiter.quietAt > now) continue;
        waiters.delete(waiter);
        waiter.resolve(news);
      }
    } catch (error) {
      for (const waiter of polled) {
        waiters.delete(waiter);
        waiter.reject(error);
      }
    }
  };
  return {
    async next(known, quietMs, signal) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<NewsOrQuiet<News>>();
      const waiter = { known, quietAt: performance.now() + quietMs, resolve, reject };
      const leave = () => {
        waiters.delete(waiter);
        reject(signal.reason);
      };
      waiters.add(waiter);
      schedule();
      signal.addEventListener('abort', leave, { once: true });
      return promise.finally(() => signal.removeEventListener('abort', leave));
    },
  };
}
