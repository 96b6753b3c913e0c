// Counts latencies in buckets that grow by 1 %, so that any number of them fits in a few kilobytes and can be added up.

/** Buckets for each doubling: a bucket is 2^(1/64), that is 1.1 %, wider than the one before. */
const PER_DOUBLING = 64;
/** Up to 2^27 microseconds, two minutes; what takes longer counts as that. */
const BUCKETS = 27 * PER_DOUBLING + 1;

/** Latencies, counted. */
export class Histogram {
  /** How many fell into each bucket. */
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

  /** Adds what another one counted. */
  merge(other: Histogram): void {
    other.counts.forEach((count, index) => {
      this.counts[index] = (this.counts[index] ?? 0) + count;
    });
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** The latency, in milliseconds, that this share (0 to 1) of all did not exceed; 0 when there are none. */
  at(share: number): number {
    const rank = Math.max(1, Math.ceil(this.total * share));
    let seen = 0;
    for (const [index, count] of this.counts.entries()) {
      seen += count;
      if (seen >= rank) return 2 ** (index / PER_DOUBLING) / 1000;
    }
    return 0;
  }
}
