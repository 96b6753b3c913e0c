// The readers' half of the cache: a copy that may be believed, or what Postgres says.

import { createSingleflight } from '../../resilience/index.ts';
import { type Cache, type CacheParts, keyOf } from './cache.ts';
import { drawTtlMs, type Kind } from './kind.ts';

export function reading({ prefix, store, lease, format, onLook }: CacheParts): Pick<Cache, 'read'> {
  const singleflight = createSingleflight();
  const ownName = crypto.randomUUID();
  let taken = 0;

  /** What stands under a key; where nothing does, null, and the key is taken. Undefined where Redis is not to be asked. */
  const look = async (epoch: string | undefined, key: string, name: string) => {
    if (epoch === undefined) return undefined;
    const found = await store.getOrTake(key, name).catch(() => undefined);
    // What was found counts only if the right to believe it outlasted the look.
    return lease.current() === epoch ? found : undefined;
  };

  const readOnce = async <T>(kind: Kind<T>, id: string, load: () => Promise<T>): Promise<T> => {
    const epoch = lease.current();
    const key = keyOf(prefix, epoch ?? '', { kind: kind.name, id });
    const name = `${ownName}:${taken++}`;
    const found = await look(epoch, key, name);
    if (found === undefined) {
      onLook(kind.name, 'bypass');
      return load();
    }
    if (found === null) {
      onLook(kind.name, 'miss');
      const value = await load();
      const entry = format.write(key, kind.versionOf(value), kind.write(value));
      void store.fill(key, name, entry, drawTtlMs(kind.ttlMs(value))).catch(() => {});
      return value;
    }
    if (found.startsWith('T') || found.startsWith('M')) {
      onLook(kind.name, 'contended');
      return load();
    }
    const copy = format.read(key, found);
    const understood = copy && understand(kind, copy.text);
    onLook(kind.name, understood ? 'hit' : 'corrupt', copy && Date.now() - copy.writtenAtMs);
    if (understood) return understood.value;
    void store.drop(key, found).catch(() => {});
    return load();
  };

  // Who wants the same thing at the same time shares the whole look, which begins after they came.
  return { read: (kind, id, load) => singleflight.do(`${kind.name}:${id}`, () => readOnce(kind, id, load)) };
}

function understand<T>(kind: Kind<T>, text: string): { readonly value: T } | undefined {
  try {
    return { value: kind.read(text) };
  } catch {
    return undefined;
  }
}
