// Where reads may go.
import type { CacheReader } from '../cache/index.ts';
import type { Pool, ReadFromReplica } from '../db/pool.ts';

/** What repositories choose from. */
export interface ReadSources {
  readonly cache: CacheReader;
  /** Balances, and everything that money is decided by or entries are filled from, are read here or in the cache only. */
  readonly primary: Pool;
  readonly readFromReplica: ReadFromReplica;
  /** Transfers of months that were archived; undefined where there is no archive. */
  readonly archive: Pool | undefined;
}
