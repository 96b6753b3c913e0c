// Metrics of the cache: how often it answered, why not, and how old its entries were.

import { Counter, Histogram, type Registry } from 'prom-client';
import type { OnCacheRead } from '../../cache/index.ts';

/** Records reads through the cache. */
export interface CacheRecorder {
  /** A read of a kind of entry, its result, and the age of the entry in milliseconds. */
  readonly read: OnCacheRead;
}

const AGES_S = [0.01, 0.1, 1, 10, 60, 300];

/** Creates the recorder of the cache. */
export function cacheMetrics(registry: Registry): CacheRecorder {
  const reads = new Counter({
    name: 'ppuri_cache_reads_total',
    help: 'Reads through the cache: hit, miss, contended (a commit or a reader is at it), corrupt (not ours), bypass (not trusted).',
    labelNames: ['kind', 'result'],
    registers: [registry],
  });
  const ages = new Histogram({
    name: 'ppuri_cache_entry_age_seconds',
    help: 'How long ago the entries that answered were written.',
    labelNames: ['kind'],
    buckets: AGES_S,
    registers: [registry],
  });
  const readsOf = remembered((kind: string, result: string) => reads.labels(kind, result));
  const agesOf = remembered((kind: string) => ages.labels(kind));
  return {
    read: (kind, result, ageMs) => {
      readsOf(kind, result).inc();
      if (ageMs !== undefined) agesOf(kind).observe(ageMs / 1000);
    },
  };
}

/** Looking a child up by its labels costs more than the child itself. */
function remembered<Labels extends string[], Child>(find: (...labels: Labels) => Child) {
  const children = new Map<string, Child>();
  return (...labels: Labels): Child => {
    const name = labels.join(' ');
    const child = children.get(name) ?? find(...labels);
    children.set(name, child);
    return child;
  };
}
