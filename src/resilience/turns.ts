// Lets a limited number of tasks run at a time; the others wait for their turn, first come, first served.

/** Runs tasks, at most `limit` at a time. */
export function createTurns(limit: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      // The task that waits longest takes over the place.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
