// Watches a dependency that the process cannot work without: away after two failures in a row, back with the first answer.

/** What to watch, and how. */
export interface DependencyWatchOptions {
  /** Rejects when the dependency does not answer. It needs a timeout of its own. */
  readonly ask: () => Promise<void>;
  /** How long after an answer, or a failure, it is asked again, in milliseconds. */
  readonly everyMs: number;
  /** Called with the failure when it goes away, and with undefined when it is back. */
  readonly onChange: (away: Error | undefined) => void;
}

/** A dependency that is watched. */
export interface DependencyWatch extends Disposable {
  /** Why it is taken to be away; undefined while it is there. */
  away(): Error | undefined;
  /** Reports a failure that a call met: it counts as one, and the dependency is asked now. */
  suspect(failure: Error): void;
}

/** One lost connection is no outage; a second failure right after the first is. */
const FAILURES_UNTIL_AWAY = 2;

/** Starts to watch a dependency that is there. */
export function createDependencyWatch({ ask, everyMs, onChange }: DependencyWatchOptions): DependencyWatch {
  let isClosed = false;
  let failures = 0;
  let away: Error | undefined;
  let wake = () => {};

  const failed = (failure: Error) => {
    failures += 1;
    if (failures < FAILURES_UNTIL_AWAY) return;
    const isNew = away === undefined;
    // The newest failure: the first one may only say that no answer came.
    away = failure;
    if (isNew) onChange(failure);
  };
  const answered = () => {
    failures = 0;
    if (!away) return;
    away = undefined;
    onChange(undefined);
  };
  const watch = async () => {
    for (;;) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, everyMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (isClosed) return;
      await ask().then(answered, (error: unknown) => failed(toError(error)));
    }
  };
  void watch();

  return {
    away: () => away,
    suspect: (failure) => {
      // Many calls fail at the same moment: together they count as one failure.
      if (failures > 0) return;
      failed(failure);
      wake();
    },
    [Symbol.dispose]: () => {
      isClosed = true;
      wake();
    },
  };
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
