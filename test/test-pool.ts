// A pool of one of the logins of a test's database, as the programs have it.
import { createPool, type Pool } from '../src/db/pool.ts';

type Options = Parameters<typeof createPool>[0];

/** Creates a pool of two connections, unless told otherwise. Sessions that a test ends while they are idle are no error. */
export function createTestPool(url: string, more: Partial<Options> = {}): Pool {
  return createPool({
    url,
    maxConnections: 2,
    statementTimeoutMs: 10_000,
    onIdleError: () => {},
    ...more,
  });
}
