// A cache in Redis of what Postgres knows, whose entries are trusted only while they are certainly right.
//
// docs/internals/cache.md has the protocol. In short: a process that commits a change sets tombstones first, and only then commits;
// an entry is filled in only by the reader that claimed its key before reading Postgres, if no tombstone came meanwhile; and
// where tombstones cannot be set, Postgres takes the lease from every process before the change is committed.
import type { CacheEpochs } from '../db/cache-epochs.ts';
import type { BreakerStatus } from '../resilience/index.ts';
import { createLease } from './lease.ts';
import { type CacheReader, createReader, type OnCacheRead } from './read.ts';
import { createSealedFormat } from './seal.ts';
import { createStore, type StoreOptions } from './store.ts';
import { type CacheWriter, createWriter } from './write.ts';

/** How a process that changes things keeps older entries from being trusted. */
export interface CacheWriterOptions extends StoreOptions {
  /** The row in Postgres that leases are granted by. */
  readonly epochs: CacheEpochs;
  /** Called when that row cannot be read; until it can, entries are not trusted. */
  readonly onFault: (error: unknown) => void;
}

/** How a process reads and writes entries. */
export interface CacheOptions extends CacheWriterOptions {
  /** What entries are sealed with; all processes share it. */
  readonly secret: string;
  readonly onRead: OnCacheRead;
}

/** Reads and writes entries. */
export interface Cache extends CacheReader, CacheWriter, BreakerStatus, Disposable {
  /** Whether this process trusts entries at this moment. */
  isTrusted(): boolean;
}

/** What every key in Redis begins with. */
const PREFIX = 'ppuri:cache:';

/** Creates a cache, with Redis or without. */
export async function createCache(options: CacheOptions): Promise<Cache> {
  const { epochs, secret, onFault, onRead } = options;
  const store = await createStore(options);
  const lease = await createLease({ epochs, redisRunId: store.runId, onFault });
  const shared = { prefix: PREFIX, store, lease, format: createSealedFormat(secret), onRead };
  return {
    ...createReader(shared),
    ...createWriter(shared),
    isTrusted: () => lease.current() !== undefined,
    state: store.state,
    stats: store.stats,
    [Symbol.dispose]() {
      lease[Symbol.dispose]();
      store[Symbol.dispose]();
    },
  };
}

/** Creates what a process needs that changes things and has not the secret to write entries. */
export async function createCacheWriter(options: CacheWriterOptions): Promise<CacheWriter & Disposable> {
  const store = await createStore(options);
  const lease = await createLease({
    epochs: options.epochs,
    redisRunId: store.runId,
    onFault: options.onFault,
  });
  return {
    ...createWriter({ prefix: PREFIX, store, lease, format: undefined }),
    [Symbol.dispose]() {
      lease[Symbol.dispose]();
      store[Symbol.dispose]();
    },
  };
}
