// Singleflight: concurrent callers that need the same thing share one call for it.

/** Shares calls by key, as Go's golang.org/x/sync/singleflight does, but never one that began before the caller came. */
export interface Singleflight {
  /**
   * The result of `fn`. A caller shares only a call that begins after it came: one that is under way may have read a state
   * from before what this caller has just done. So callers that come while one is under way share the next one.
   */
  do<T>(key: string, fn: () => Promise<T>): Promise<T>;
}

/** Creates a group of its own: its keys are apart from those of any other. */
export function createSingleflight(): Singleflight {
  const running = new Map<string, Promise<unknown>>();
  const next = new Map<string, Promise<unknown>>();

  const start = (key: string, fn: () => Promise<unknown>): Promise<unknown> => {
    const call = fn().finally(() => running.delete(key));
    running.set(key, call);
    return call;
  };

  return {
    // A key names one kind of thing, so all who share a call expect the same type.
    do: <T>(key: string, fn: () => Promise<T>) => {
      const planned = next.get(key);
      if (planned) return planned as Promise<T>;
      const current = running.get(key);
      if (!current) return start(key, fn) as Promise<T>;
      const following = current
        .catch(() => {})
        .then(() => {
          next.delete(key);
          return start(key, fn);
        });
      next.set(key, following);
      return following as Promise<T>;
    },
  };
}
