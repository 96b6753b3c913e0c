// Counts wrong attempts by the address that they come from: a few at once, then one after each pause.

/** Wrong attempts that one address may make at once, and how long it takes to get one more, in milliseconds. */
const ATTEMPTS = 10;
const MS_PER_ATTEMPT = 6_000;
/** How many addresses are remembered; the one whose last attempt is oldest goes first. */
const MAX_ADDRESSES = 1_000;

/** A bucket of attempts for each address. */
export interface Attempts {
  /** How long an address has to wait for its next attempt, in milliseconds; 0 if it need not. */
  waitMs(address: string): number;
  /** Takes one attempt; returns whether it was the last. */
  fail(address: string): boolean;
}

/** A bucket of attempts for each address that was wrong; full ones are forgotten. `now` is a monotonic clock in milliseconds. */
export function countAttempts(now: () => number): Attempts {
  /** When the bucket of an address is full again. */
  const fullAt = new Map<string, number>();
  const spent = (address: string) => Math.max(0, (fullAt.get(address) ?? 0) - now()) / MS_PER_ATTEMPT;
  return {
    waitMs: (address) => Math.max(0, (spent(address) - (ATTEMPTS - 1)) * MS_PER_ATTEMPT),
    fail(address) {
      const next = Math.max(now(), fullAt.get(address) ?? 0) + MS_PER_ATTEMPT;
      fullAt.delete(address);
      fullAt.set(address, next);
      const [oldest] = fullAt.keys();
      if (fullAt.size > MAX_ADDRESSES && oldest !== undefined) fullAt.delete(oldest);
      return spent(address) > ATTEMPTS - 1;
    },
  };
}
