// Puts a cache together: its connection to Redis, its lease, its seal.
import type { BreakerState } from '../../traffic/breaker.ts';
import { type Cache, type OnLook, startCache } from './cache.ts';
import { sealedBy } from './entry.ts';
import { type EpochStore, openLease } from './lease.ts';
import { openStore } from './store.ts';

/** How to keep copies. */
export interface CacheOptions {
  readonly url: string;
  /** What every key in Redis begins with. */
  readonly prefix: string;
  /** So long Redis has to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** What copies are sealed with; all processes share it. */
  readonly secret: string;
  /** Where the epoch stands. */
  readonly epochs: EpochStore;
  readonly onStateChange: (state: BreakerState, cause?: Error) => void;
  readonly onConnectionError: (error: Error) => void;
  /** Told when the epoch cannot be read: copies are not believed meanwhile. */
  readonly onFault: (error: unknown) => void;
  readonly onLook: OnLook;
}

/** A cache at work. */
export interface OpenCache extends Cache {
  /** Whether copies are believed at this moment. */
  isBelieved(): boolean;
  state(): BreakerState;
  close(): void;
}

/** Opens the cache, with Redis or without. */
export async function openCache(options: CacheOptions): Promise<OpenCache> {
  const store = await openStore(options);
  const lease = await openLease({ store: options.epochs, redisRunId: store.runId, onFault: options.onFault });
  const format = sealedBy(options.secret);
  const cache = startCache({ prefix: options.prefix, store, lease, format, onLook: options.onLook });
  return {
    ...cache,
    isBelieved: () => lease.current() !== undefined,
    state: store.state,
    close() {
      lease.close();
      store.close();
    },
  };
}
