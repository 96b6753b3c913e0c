// Lets many callers who want the same thing at the same time share one look.

/** Looks that are shared. */
export interface Flights {
  /**
   * What `look` finds. A caller shares a look that another one started only where it begins after the call: one that is
   * under way may have seen the world before what this caller has just done. So callers who come while one is under way
   * wait for the next, together.
   */
  share<T>(key: string, look: () => Promise<T>): Promise<T>;
}

export function startFlights(): Flights {
  const running = new Map<string, Promise<unknown>>();
  const next = new Map<string, Promise<unknown>>();

  const start = (key: string, look: () => Promise<unknown>): Promise<unknown> => {
    const flight = look().finally(() => running.delete(key));
    running.set(key, flight);
    return flight;
  };

  return {
    // A key names one kind of thing, so whoever shares a look wants the same type.
    share: <T>(key: string, look: () => Promise<T>) => {
      const planned = next.get(key);
      if (planned) return planned as Promise<T>;
      const current = running.get(key);
      if (!current) return start(key, look) as Promise<T>;
      const following = current
        .catch(() => {})
        .then(() => {
          next.delete(key);
          return start(key, look);
        });
      next.set(key, following);
      return following as Promise<T>;
    },
  };
}
