// The writers' half of the cache: what they do before and after a commit so that nobody believes an old copy.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cache, type CacheParts, type Changed, keyOf, type Marked, type Ref } from './cache.ts';
import type { EntryFormat } from './entry.ts';
import { drawTtlMs } from './kind.ts';
import { MARKED_MS, type StoredEntry } from './store.ts';

/** Above any version that a thing has: a mark of this stays until it is removed. */
const ANY_VERSION = Number.MAX_SAFE_INTEGER;
const TRY_AGAIN_MS = 50;
/** Shorter than a transaction may be idle: a batch that waits holds locks. */
const GIVE_UP_AFTER_MS = 5_000;

/** A process without the secret of the seal writes no copies: it takes its marks away again, and readers fill them in. */
export function changing({
  prefix,
  store,
  lease,
  format,
}: Pick<CacheParts, 'prefix' | 'store' | 'lease'> & { readonly format: EntryFormat | undefined }): Omit<
  Cache,
  'read'
> {
  /** Where Redis does not answer, copies are suspended; where only the lease ran out, it is renewed. Throws when it took too long. */
  const regain = async (giveUpAt: number) => {
    try {
      if (store.runId() === undefined) await lease.suspend();
      else if (lease.current() === undefined) await lease.renew();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await sleep(TRY_AGAIN_MS);
    }
  };

  /** Waits until no process can believe a copy that `touch` has not touched: done under a lease, or all suspended. */
  const untilSafe = async (touch: (epoch: string) => Promise<void>): Promise<string | undefined> => {
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
        // The suspension must not run out while somebody still changes things without Redis.
        if (store.runId() === undefined) void lease.suspend().catch(() => {});
        return undefined;
      }
      await regain(giveUpAt);
    }
  };

  const marksIn = (epoch: string, changes: readonly (Ref & Pick<Changed, 'version'>)[]) =>
    changes.map((change) => ({ key: keyOf(prefix, epoch, change), version: change.version }));
  const markIn = (epoch: string, changes: readonly (Ref & Pick<Changed, 'version'>)[]) =>
    store.mark(marksIn(epoch, changes));

  /** Sees to it that no older copies stay, and that newer ones may come. */
  const replaceIn = async (epoch: string, changes: readonly Changed[]) => {
    if (format) return store.put(changes.map((change) => stored(format, epoch, change)));
    await markIn(epoch, changes);
    await store.unmark(marksIn(epoch, changes));
  };

  const mark: Cache['mark'] = async (changes) => {
    const at = performance.now();
    const epoch = await untilSafe((current) => markIn(current, changes));
    return { epoch, at };
  };

  const stored = (by: EntryFormat, epoch: string, change: Changed): StoredEntry => {
    const key = keyOf(prefix, epoch, change);
    const entry = by.write(key, change.version, change.text);
    return { key, version: change.version, entry, ttlMs: drawTtlMs(change.ttlMs) };
  };

  /** Whether the marks still keep everybody from old copies, now that the commit is done. */
  const holds = ({ epoch, at }: Marked) =>
    epoch !== undefined && lease.current() === epoch && performance.now() - at < MARKED_MS / 2;

  return {
    mark,

    settle(marked, changes) {
      const replace = (epoch: string) => replaceIn(epoch, changes);
      // Until the new copies are there, the marks send everybody to Postgres: nobody has to wait for them.
      if (!holds(marked)) return lease.isSuspended() ? undefined : untilSafe(replace).then(() => {});
      void replace(marked.epoch as string).catch(() => {});
      return undefined;
    },

    async change(refs, work) {
      await mark(refs.map((ref) => ({ ...ref, version: ANY_VERSION })));
      try {
        return await work();
      } finally {
        await untilSafe((epoch) => store.remove(refs.map((ref) => keyOf(prefix, epoch, ref))));
      }
    },
  };
}
