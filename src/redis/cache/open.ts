// Puts a cache together: its connection to Redis, its lease, its seal.
import type { BreakerState } from '../../resilience/index.ts';
import { type Cache, type Marks, type OnLook, startCache } from './cache.ts';
import { changing } from './changing.ts';
import { sealedBy } from './entry.ts';
import { type EpochStore, openLease } from './lease.ts';
import { openStore } from './store.ts';

/** How to keep copies from being believed, for who changes things and writes no copies. */
export interface MarkOptions {
  readonly url: string;
  /** So long Redis has to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Where the epoch stands. */
  readonly epochs: EpochStore;
  readonly onStateChange: (state: BreakerState, cause?: Error) => void;
  readonly onConnectionError: (error: Error) => void;
  /** Told when the epoch cannot be read: copies are not believed meanwhile. */
  readonly onFault: (error: unknown) => void;
}

/** How to keep copies. */
export interface CacheOptions extends MarkOptions {
  /** What copies are sealed with; all processes that write and read them share it. */
  readonly secret: string;
  readonly onLook: OnLook;
}

/** What every copy's key in Redis begins with. */
const PREFIX = 'ppuri:copy:';

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
  const cache = startCache({ prefix: PREFIX, store, lease, format, onLook: options.onLook });
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

/** Opens what a process needs that changes things and reads no copies of them. */
export async function openMarks(options: MarkOptions): Promise<Marks & { close(): void }> {
  const store = await openStore(options);
  const lease = await openLease({ store: options.epochs, redisRunId: store.runId, onFault: options.onFault });
  const { mark, settle } = changing({ prefix: PREFIX, store, lease, format: undefined });
  return {
    mark,
    settle,
    close() {
      lease.close();
      store.close();
    },
  };
}
