// The writers' half of the cache: what happens before and after a commit so that nobody trusts an older entry.
import { setTimeout as sleep } from 'node:timers/promises';
import { type EntryRef, type EntryUpdate, type EntryVersion, jitteredTtlMs, keyOf } from './entry.ts';
import type { Lease } from './lease.ts';
import type { EntryFormat } from './seal.ts';
import { CLAIMED, type Replacement, type Store, TOMBSTONE_TTL_MS } from './store.ts';

/** Tells how older entries were kept from being trusted, for `publish`. */
export interface Tombstones {
  /** The epoch in which they were set; undefined where the cache is suspended. */
  readonly epoch: string | undefined;
  readonly at: number;
  /** What `Store.setTombstones` says of each key, in their order. */
  readonly livesMs: readonly number[];
}

/** Keeps entries in step with commits. Does not throw when Redis is away, but does when Postgres is away as well. */
export interface CacheWriter {
  /** Before a commit: once it resolves, nobody trusts entries that are older than these versions. */
  setTombstones(versions: readonly EntryVersion[]): Promise<Tombstones>;
  /** After the commit: replaces the tombstones. Callers may be answered once it resolves; undefined: at once. */
  publish(tombstones: Tombstones, updates: readonly EntryUpdate[]): Promise<void> | undefined;
  /** Runs work that changes what these entries hold, and deletes them. */
  withInvalidation<T>(refs: readonly EntryRef[], work: () => Promise<T>): Promise<T>;
}

/** What a writer depends on. */
export interface WriterOptions {
  readonly prefix: string;
  readonly store: Store;
  readonly lease: Lease;
  /** A process without the seal's secret writes no entries: it removes its tombstones, and readers fill the entries in. */
  readonly format: EntryFormat | undefined;
}

/** Above any version: a tombstone of this version stays until it is deleted. */
const ANY_VERSION = Number.MAX_SAFE_INTEGER;
const RETRY_MS = 50;
/** How long to try, in milliseconds. A batch holds locks meanwhile; after IDLE_IN_TRANSACTION_MS Postgres ends its session. */
const GIVE_UP_AFTER_MS = 5_000;

/**
 * Waits until no process can trust an entry that `touch` has not touched: touched under a lease, which is returned, or the
 * cache is suspended. Throws where neither Redis nor Postgres can be reached.
 */
async function untilSafe(
  { store, lease }: Pick<WriterOptions, 'store' | 'lease'>,
  touch: (epoch: string) => Promise<void>,
): Promise<string | undefined> {
  const giveUpAt = performance.now() + GIVE_UP_AFTER_MS;
  for (;;) {
    const epoch = lease.current();
    const isDone =
      epoch !== undefined &&
      (await touch(epoch).then(
        () => true,
        () => false,
      ));
    if (isDone && lease.current() === epoch) return epoch;
    if (lease.isSuspended()) {
      // The suspension must not run out while processes still change things without Redis.
      if (store.runId() === undefined) void lease.suspend().catch(() => {});
      return undefined;
    }
    try {
      if (store.runId() === undefined) await lease.suspend();
      else if (lease.current() === undefined) await lease.renew();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await sleep(RETRY_MS);
    }
  }
}

export function createWriter(options: WriterOptions): CacheWriter {
  const { prefix, lease, store, format } = options;

  const keyVersions = (epoch: string, versions: readonly EntryVersion[]) =>
    versions.map((entry) => ({ key: keyOf(prefix, epoch, entry), version: entry.version }));

  /** Keeps older entries from being trusted, and lets readers fill in new ones; nobody has to wait for that. */
  const clear = async (epoch: string, versions: readonly EntryVersion[]) => {
    const tombstones = keyVersions(epoch, versions);
    await store.setTombstones(tombstones);
    store
      .replaceTombstones(tombstones.map((tombstone) => ({ ...tombstone, entry: '', ttlMs: 0 })))
      .catch(() => {});
  };

  /** What comes in the place of a tombstone. An entry that readers stop asking for is not put for longer than they filled it in. */
  const replacementOf = (epoch: string, update: EntryUpdate, lifeMs: number): Replacement => {
    const key = keyOf(prefix, epoch, update);
    const { version } = update;
    if (!format || (lifeMs === 0 && update.isPutIfRead)) return { key, version, entry: '', ttlMs: 0 };
    const ttlMs = lifeMs > 0 && update.isPutIfRead ? lifeMs : jitteredTtlMs(update.ttlMs);
    return { key, version, entry: format.write(key, version, update.encode()), ttlMs };
  };

  /** Whether the tombstones still protect readers, now that the commit is done. */
  const stillProtect = ({ epoch, at }: Tombstones) =>
    epoch !== undefined && lease.current() === epoch && performance.now() - at < TOMBSTONE_TTL_MS / 2;

  const setTombstones: CacheWriter['setTombstones'] = async (versions) => {
    const at = performance.now();
    let livesMs: readonly number[] = [];
    const epoch = await untilSafe(options, async (current) => {
      livesMs = await store.setTombstones(keyVersions(current, versions));
    });
    return { epoch, at, livesMs };
  };

  return {
    setTombstones,

    publish(tombstones, updates) {
      if (!stillProtect(tombstones)) {
        if (lease.isSuspended()) return undefined;
        return untilSafe(options, (epoch) => clear(epoch, updates)).then(() => {});
      }
      // Until then the tombstones send every reader to Postgres: nobody has to wait, and callers are answered first.
      setImmediate(() => {
        const replacements = updates.map((update, index) =>
          replacementOf(tombstones.epoch as string, update, tombstones.livesMs[index] ?? CLAIMED),
        );
        store.replaceTombstones(replacements).catch(() => {});
      });
      return undefined;
    },

    async withInvalidation(refs, work) {
      await setTombstones(refs.map((ref) => ({ ...ref, version: ANY_VERSION })));
      try {
        return await work();
      } finally {
        await untilSafe(options, (epoch) => store.delete(refs.map((ref) => keyOf(prefix, epoch, ref))));
      }
    },
  };
}
