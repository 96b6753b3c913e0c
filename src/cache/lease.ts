// A process's right to trust cache entries: it ends by itself unless Postgres renews it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { CacheEpoch, CacheEpochs } from '../db/cache-epochs.ts';

/** The right to trust entries, and the way to take it from every process. */
export interface Lease extends Disposable {
  /** The epoch whose entries may be trusted at this moment; undefined when none may. */
  current(): string | undefined;
  /** Whether no process trusts entries at this moment, and none will before the epoch is usable again. */
  isSuspended(): boolean;
  /** Takes the lease from every process. Resolves once none has it; throws when Postgres cannot be reached. */
  suspend(): Promise<void>;
  /** Reads the epoch now, and waits a moment where others have yet to learn of a change. Throws as suspend does. */
  renew(): Promise<void>;
}

/** What a lease depends on. */
export interface LeaseOptions {
  readonly epochs: CacheEpochs;
  /** The run of Redis that this process is connected to; undefined while it does not answer. */
  readonly redisRunId: () => string | undefined;
  /** Called when Postgres cannot be read. */
  readonly onFault: (error: unknown) => void;
}

/** How long a process trusts what it has read of the epoch, in milliseconds. A process that suspends the cache waits that long. */
export const LEASE_MS = 1_000;
const RENEW_INTERVAL_MS = 250;
/** Longer than two leases, so that a process that still needs a suspension can extend it in time. */
const SUSPEND_FOR_MS = 4 * LEASE_MS;
const EXTEND_BELOW_MS = 3 * LEASE_MS;
/**
 * As long as a suspension. Processes that are connected to different runs of Redis keep adopting their own, each within the
 * suspension that the one before began or extended: nobody trusts entries, and nobody waits.
 */
const ADOPT_AFTER_MS = SUSPEND_FOR_MS;
/**
 * A suspension that is extended has at least this much more than a lease left (src/db/cache-epochs.ts). Where the commit that
 * extends it takes longer, others may have used the old end, and a new epoch is needed.
 */
const EXTENDED_WITHIN_MS = LEASE_MS;
/** The epoch of a database in which no process has trusted an entry yet. */
const NO_EPOCH = 'none';
/** When a process starts, an epoch that was changed this long ago counts as read by all others. */
const KNOWN_TO_ALL_MS = 60_000;

/** What a process has read of the epoch. Times are on its own clock, each on the safe side for what it decides. */
interface KnownEpoch {
  readonly epoch: string;
  readonly changedAt: string;
  readonly redisRunId: string;
  readonly trustedUntil: number;
  readonly usableFromAtLatest: number;
  readonly usableFromAtEarliest: number;
  /** When every lease from before the last suspension is over. */
  readonly leasesOverAt: number;
  /** The highest timeline of Postgres that was known when the row was asked for. */
  readonly timeline: number;
}

const UNKNOWN: KnownEpoch = {
  epoch: '',
  changedAt: '',
  redisRunId: '',
  trustedUntil: 0,
  usableFromAtLatest: Number.POSITIVE_INFINITY,
  usableFromAtEarliest: 0,
  leasesOverAt: Number.POSITIVE_INFINITY,
  timeline: 0,
};

const now = () => performance.now();

/** Learns the epoch from what Postgres answers, and says what follows from it at this moment. */
class EpochView {
  readonly #timeline: () => number;
  #known = UNKNOWN;

  constructor(timeline: () => number) {
    this.#timeline = timeline;
  }

  get known(): KnownEpoch {
    return this.#known;
  }

  /** The epoch whose entries may be trusted by a process that is connected to this run of Redis. */
  trusted(redisRunId: string | undefined): string | undefined {
    const at = now();
    const isUsable = at >= this.#known.usableFromAtLatest && at < this.#known.trustedUntil;
    return isUsable && this.#isCurrent() && redisRunId === this.#known.redisRunId
      ? this.#known.epoch
      : undefined;
  }

  isSuspended(): boolean {
    return now() >= this.#known.leasesOverAt && now() < this.#known.usableFromAtEarliest && this.#isCurrent();
  }

  /**
   * Whether it is what the newest primary says, as far as this process knows. Once it has met a new primary, it may commit
   * there, and what the old one said of the epoch does not protect others from such commits.
   */
  #isCurrent(): boolean {
    return this.#known.timeline === this.#timeline();
  }

  /** Takes over the epoch that Postgres answers. The row was read at some moment between request and answer. */
  async learn(ask: () => Promise<CacheEpoch>, isChange: boolean): Promise<KnownEpoch> {
    const askedAt = now();
    const timeline = this.#timeline();
    const { epoch, redisRunId, changedAt, changedMsAgo, usableInMs } = await ask();
    const answeredAt = now();
    // Answers may arrive out of order. An older one is ignored, unless it answers a change: that state did not exist before
    // the change was made.
    if (!isChange && askedAt + LEASE_MS < this.#known.trustedUntil) return this.#known;
    // A change that took longer than the suspension had left may be too late for processes that used its old end.
    const isLate = isChange && answeredAt - askedAt > EXTENDED_WITHIN_MS;
    const leasesOverAt = isLate
      ? answeredAt + LEASE_MS
      : this.#leasesOver(changedAt, changedMsAgo, answeredAt);
    this.#known = {
      epoch,
      changedAt,
      redisRunId,
      trustedUntil: askedAt + LEASE_MS,
      usableFromAtLatest: Math.max(answeredAt + usableInMs, leasesOverAt),
      usableFromAtEarliest: askedAt + usableInMs,
      leasesOverAt,
      timeline,
    };
    return this.#known;
  }

  /**
   * When every lease from before a suspension is over. A suspension carries the moment of its statement, and others do not
   * know of it until its commit is visible, however long that takes. It was visible when this process first read it.
   */
  #leasesOver(changedAt: string, changedMsAgo: number, answeredAt: number): number {
    if (changedAt === this.#known.changedAt) return this.#known.leasesOverAt;
    const isKnownToAll = this.#known === UNKNOWN && changedMsAgo > KNOWN_TO_ALL_MS;
    return isKnownToAll || this.#known.epoch === NO_EPOCH ? answeredAt : answeredAt + LEASE_MS;
  }
}

/** Creates a lease; once this resolves it is held, if Redis and Postgres answer. */
export async function createLease({ epochs, redisRunId, onFault }: LeaseOptions): Promise<Lease> {
  const view = new EpochView(epochs.timeline);

  const renew = shared(async () => {
    const { epoch, redisRunId: runId } = await view.learn(() => epochs.read(), false);
    const connectedTo = redisRunId();
    if (connectedTo !== undefined && connectedTo !== runId)
      await view.learn(() => epochs.adopt(connectedTo, epoch, ADOPT_AFTER_MS), true);
  });

  const suspend = shared(async () => {
    const askedAt = now();
    await view.learn(() => epochs.suspend(SUSPEND_FOR_MS, false), true);
    const isLate = now() - askedAt > EXTENDED_WITHIN_MS;
    if (isLate) await view.learn(() => epochs.suspend(SUSPEND_FOR_MS, true), true);
    const wait = view.known.leasesOverAt - now();
    if (wait > 0) await sleep(wait);
  });

  let isClosed = false;
  const keepRenewing = async () => {
    while (!isClosed) {
      await sleep(RENEW_INTERVAL_MS, undefined, { ref: false });
      if (!isClosed) await renew().catch(onFault);
    }
  };
  await renew().catch(onFault);
  void keepRenewing();

  return {
    current: () => view.trusted(redisRunId()),
    isSuspended: () => view.isSuspended(),
    suspend: async () => {
      if (!view.isSuspended()) return suspend();
      // Nobody waits while the cache is suspended; the suspension only must not run out.
      if (view.known.usableFromAtEarliest - now() < EXTEND_BELOW_MS) suspend().catch(onFault);
    },
    renew: async () => {
      await renew();
      const wait = Math.min(view.known.leasesOverAt - now(), LEASE_MS);
      if (wait > 0) await sleep(wait);
    },
    [Symbol.dispose]: () => {
      isClosed = true;
    },
  };
}

/** Runs the work once at a time; callers share the run that is under way. */
function shared(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= work().finally(() => {
      running = undefined;
    });
    return running;
  };
}
