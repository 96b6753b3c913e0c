// The readers' half of the cache: an entry that may be trusted, or else what Postgres says.
import { createSingleflight } from '../resilience/index.ts';
import { type EntryKind, jitteredTtlMs, keyOf } from './entry.ts';
import type { Lease } from './lease.ts';
import type { EntryFormat } from './seal.ts';
import type { Store } from './store.ts';

/**
 * What came of reading an entry: a hit; a miss, which fills the entry in; contended, where a commit or another reader is at
 * it; corrupt, where the value is not ours; bypass, where entries are not trusted or Redis does not answer.
 */
export type CacheResult = 'hit' | 'miss' | 'contended' | 'corrupt' | 'bypass';

/** Called for each read of a kind; for an entry that was found, with its age in milliseconds. */
export type OnCacheRead = (kind: string, result: CacheResult, ageMs?: number) => void;

/** Reads through the cache. */
export interface CacheReader {
  /** The value of an entry, or else what `load` reads from Postgres. Throws only what `load` throws. */
  read<T>(kind: EntryKind<T>, id: string, load: () => Promise<T>): Promise<T>;
}

/** What a reader depends on. */
export interface ReaderOptions {
  readonly prefix: string;
  readonly store: Store;
  readonly lease: Lease;
  readonly format: EntryFormat;
  readonly onRead: OnCacheRead;
}

export function createReader({ prefix, store, lease, format, onRead }: ReaderOptions): CacheReader {
  const singleflight = createSingleflight();
  const processName = crypto.randomUUID();
  let claims = 0;

  /** The value of a key; where it has none, null, and the key is claimed. Undefined where entries are not trusted. */
  const getTrusted = async (epoch: string | undefined, key: string, claim: string) => {
    if (epoch === undefined) return undefined;
    const found = await store.getOrClaim(key, claim).catch(() => undefined);
    // The value counts only if the lease still holds after it was read.
    return lease.current() === epoch ? found : undefined;
  };

  const readOnce = async <T>(kind: EntryKind<T>, id: string, load: () => Promise<T>): Promise<T> => {
    const epoch = lease.current();
    const key = keyOf(prefix, epoch ?? '', { kind: kind.name, id });
    const claim = `${processName}:${claims++}`;
    const found = await getTrusted(epoch, key, claim);
    if (found === undefined) {
      onRead(kind.name, 'bypass');
      return load();
    }
    if (found === null) {
      onRead(kind.name, 'miss');
      const value = await load();
      const entry = format.write(key, kind.versionOf(value), kind.encode(value));
      void store.fill(key, claim, entry, jitteredTtlMs(kind.ttlMs(value))).catch(() => {});
      return value;
    }
    if (found.startsWith('T') || found.startsWith('M')) {
      onRead(kind.name, 'contended');
      return load();
    }
    const content = format.read(key, found);
    const decoded = content && decode(kind, content.text);
    onRead(kind.name, decoded ? 'hit' : 'corrupt', content && Date.now() - content.writtenAtMs);
    if (decoded) return decoded.value;
    void store.deleteIfEqual(key, found).catch(() => {});
    return load();
  };

  // Concurrent callers share the whole read, which begins after they came.
  return { read: (kind, id, load) => singleflight.do(`${kind.name}:${id}`, () => readOnce(kind, id, load)) };
}

function decode<T>(kind: EntryKind<T>, text: string): { readonly value: T } | undefined {
  try {
    return { value: kind.decode(text) };
  } catch {
    return undefined;
  }
}
