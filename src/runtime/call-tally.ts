// How this process did since the last time it was asked: calls by code, how long they took, and reads through the cache.
import type { CacheResult } from '../cache/index.ts';

/** Something that was counted, and how often; of a latency, the label is the upper end of its bucket in milliseconds. */
export interface Sample {
  readonly measure: 'calls' | 'latency' | 'cache_hits' | 'cache_misses';
  readonly label: string;
  readonly value: number;
}

/** Each is a quarter above the one before, which bounds the error of the percentiles. */
const BUCKETS_MS = Array.from({ length: 48 }, (_, index) => Number((0.5 * 1.25 ** index).toPrecision(3)));

/** How often counts are written, in milliseconds; a crash loses those since the last write. */
const WRITE_EVERY_MS = 10_000;

/** Counts in memory, and writes the counts every 10 s. */
export function createCallTally(
  write: (samples: Sample[]) => Promise<void>,
  onError: (error: Error) => void,
) {
  const counts = new Map<string, number>();
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  const flush = async () => {
    const samples = [...counts].map(([name, value]) => {
      const [measure, label = ''] = name.split(' ');
      return { measure: measure as Sample['measure'], label, value };
    });
    counts.clear();
    await write(samples).catch(onError);
  };
  const timer = setInterval(flush, WRITE_EVERY_MS);
  return {
    call: (code: string, tookMs?: number) => {
      count(`calls ${code}`);
      if (tookMs !== undefined)
        count(`latency ${BUCKETS_MS.find((end) => tookMs <= end) ?? BUCKETS_MS.at(-1)}`);
    },
    /** A read through the cache. Whatever is no hit counts as a miss: it cost Postgres a statement. */
    cacheRead: (kind: string, result: CacheResult) =>
      count(`${result === 'hit' ? 'cache_hits' : 'cache_misses'} ${kind}`),
    /** Writes what is left. */
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await flush();
    },
  };
}
