// A histogram of latencies whose buckets grow by 1.1 %, so it takes 7 KB for any number of them, and two can be added up.

/** Buckets a doubling: each is 2^(1/64) times, or 1.1 %, wider than the one before. */
const PER_DOUBLING = 64;
/** Up to 2^27 microseconds, two minutes; longer latencies count as that. */
const BUCKETS = 27 * PER_DOUBLING + 1;

/** Counts latencies. */
export class Histogram {
  /** The count of each bucket. */
  readonly counts: Uint32Array;

  constructor(counts: Uint32Array = new Uint32Array(BUCKETS)) {
    this.counts = counts;
  }

  /** Counts one latency, in milliseconds. */
  add(ms: number): void {
    const bucket = Math.round(Math.log2(Math.max(ms * 1000, 1)) * PER_DOUBLING);
    const index = Math.min(bucket, BUCKETS - 1);
    this.counts[index] = (this.counts[index] ?? 0) + 1;
  }

  /** Adds the counts of another histogram. */
  merge(other: Histogram): void {
    other.counts.forEach((count, index) => {
      this.counts[index] = (this.counts[index] ?? 0) + count;
    });
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** The quantile (0 to 1) in milliseconds; 0 when nothing was counted. */
  at(quantile: number): number {
    const rank = Math.max(1, Math.ceil(this.total * quantile));
    let seen = 0;
    for (const [index, count] of this.counts.entries()) {
      seen += count;
      if (seen >= rank) return 2 ** (index / PER_DOUBLING) / 1000;
    }
    return 0;
  }
}
