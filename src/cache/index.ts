// The cache in Redis: entries of what Postgres knows that are never stale, and what is cached in them.
//
// Readers claim and fill, writers set tombstones and publish, and a lease from Postgres says whether entries may be trusted.
// docs/internals/cache.md has the protocol and its proof. The repositories decide which reads go through it.

export {
  type Cache,
  createCache,
  createCacheWriter,
} from './cache.ts';
export { cacheCommitted } from './committed.ts';
export { refOf } from './entry.ts';
export * from './kinds.ts';
export { LEASE_MS } from './lease.ts';
export type { CacheReader, CacheResult, OnCacheRead } from './read.ts';
export type { CacheWriter } from './write.ts';
