// A process's right to believe the copies in Redis: it ends by itself unless Postgres renews it.
import { setTimeout as sleep } from 'node:timers/promises';

/** What Postgres says of the copies; times are relative to the moment of reading, in milliseconds. */
export interface Epoch {
  readonly epoch: string;
  readonly redisRunId: string;
  /** Names the suspension that the epoch began with; it stays while the suspension is extended or another run of Redis is taken. */
  readonly changedAt: string;
  readonly changedMsAgo: number;
  readonly usableInMs: number;
}

/** Where the epoch stands for all processes. Everything throws when it cannot be reached. */
export interface EpochStore {
  read(): Promise<Epoch>;
  /** Extends a suspension that still holds, unless a new epoch is asked for; otherwise it begins a new epoch. */
  suspend(forMs: number, asNewEpoch: boolean): Promise<Epoch>;
  adopt(redisRunId: string, seenEpoch: string, unusableForMs: number): Promise<Epoch>;
}

/** The right to believe copies, and the way to take it from everybody. */
export interface Lease {
  /** The epoch whose copies may be believed at this moment; undefined when none may. */
  current(): string | undefined;
  /** Whether at this moment no process anywhere believes copies, and none will before the epoch is usable again. */
  isSuspended(): boolean;
  /** Takes the right from every process. Resolves once none has it; throws when Postgres cannot be reached. */
  suspend(): Promise<void>;
  /** Asks Postgres now, and waits a moment where others still have to learn of a change. Throws as suspend does. */
  renew(): Promise<void>;
  close(): void;
}

/** What a lease goes by. */
export interface LeaseOptions {
  readonly store: EpochStore;
  /** The run of Redis that this process is connected to; undefined while it does not answer. */
  readonly redisRunId: () => string | undefined;
  /** Told when Postgres cannot be asked. */
  readonly onFault: (error: unknown) => void;
}

/** So long a process believes what it has read of the epoch. Whoever suspends copies waits that long. */
export const LEASE_MS = 1_000;
const RENEW_EVERY_MS = 250;
/** Longer than two leases, so that a suspension can be extended in time by whoever still needs it. */
const SUSPEND_FOR_MS = 4 * LEASE_MS;
const EXTEND_BELOW_MS = 3 * LEASE_MS;
/**
 * As long as a suspension. Processes that are connected to different runs of Redis go on adopting their own, each within
 * the suspension that the one before began or extended: nobody believes copies, and nobody waits.
 */
const ADOPT_AFTER_MS = SUSPEND_FOR_MS;
/**
 * A suspension that is extended has this much more than a lease left (migration 0005's row is asked). Where the commit that
 * extends it takes longer, others may have gone by the old end, and a new epoch is needed.
 */
const EXTENDED_WITHIN_MS = LEASE_MS;
/** The epoch of a database in which no process has believed a copy yet. */
const NO_EPOCH = 'none';
/** A process that starts takes an epoch that was changed so long ago for one that all others have read. */
const KNOWN_TO_ALL_MS = 60_000;

interface Known {
  readonly epoch: string;
  readonly changedAt: string;
  readonly redisRunId: string;
  /** On this process's own clock, each on the safe side for what it decides. */
  readonly believedUntil: number;
  readonly usableFromAtLatest: number;
  readonly usableFromAtEarliest: number;
  readonly leasesOverAt: number;
}

const UNKNOWN: Known = {
  epoch: '',
  changedAt: '',
  redisRunId: '',
  believedUntil: 0,
  usableFromAtLatest: Number.POSITIVE_INFINITY,
  usableFromAtEarliest: 0,
  leasesOverAt: Number.POSITIVE_INFINITY,
};

/** Starts to hold a lease; it is there, where Redis and Postgres are, once this resolves. */
export async function openLease({ store, redisRunId, onFault }: LeaseOptions): Promise<Lease> {
  let known = UNKNOWN;
  let suspending: Promise<void> | undefined;
  const now = () => performance.now();

  /**
   * When every lease on copies from before a suspension is over. A suspension carries the moment of its statement, and
   * others do not know of it until its commit is visible, however long that takes. It was not visible after this process
   * first met it.
   */
  const leasesOver = (changedAt: string, changedMsAgo: number, answeredAt: number) => {
    if (changedAt === known.changedAt) return known.leasesOverAt;
    const isKnownToAll = known === UNKNOWN && changedMsAgo > KNOWN_TO_ALL_MS;
    return isKnownToAll || known.epoch === NO_EPOCH ? answeredAt : answeredAt + LEASE_MS;
  };

  /** Learns the epoch from an answer of Postgres. Its moment of reading lies between asking and answering. */
  const learn = async (ask: () => Promise<Epoch>, isChange: boolean) => {
    const askedAt = now();
    const { epoch, redisRunId: runId, changedAt, changedMsAgo, usableInMs } = await ask();
    const answeredAt = now();
    // Answers may come in another order than they were asked in. An older one teaches nothing, but for a change: what it
    // answers was not there before it was done.
    if (!isChange && askedAt + LEASE_MS < known.believedUntil) return known;
    // What took longer than a suspension had left may have come too late for those who went by its old end.
    const isLate = isChange && answeredAt - askedAt > EXTENDED_WITHIN_MS;
    const leasesOverAt = isLate ? answeredAt + LEASE_MS : leasesOver(changedAt, changedMsAgo, answeredAt);
    known = {
      epoch,
      changedAt,
      redisRunId: runId,
      believedUntil: askedAt + LEASE_MS,
      usableFromAtLatest: Math.max(answeredAt + usableInMs, leasesOverAt),
      usableFromAtEarliest: askedAt + usableInMs,
      leasesOverAt,
    };
    return known;
  };

  const renew = async () => {
    const { epoch, redisRunId: runId } = await learn(() => store.read(), false);
    const connectedTo = redisRunId();
    if (connectedTo !== undefined && connectedTo !== runId) {
      await learn(() => store.adopt(connectedTo, epoch, ADOPT_AFTER_MS), true);
    }
  };

  const isSuspended = () => now() >= known.leasesOverAt && now() < known.usableFromAtEarliest;

  const suspendOnce = async () => {
    const askedAt = now();
    await learn(() => store.suspend(SUSPEND_FOR_MS, false), true);
    if (now() - askedAt > EXTENDED_WITHIN_MS) await learn(() => store.suspend(SUSPEND_FOR_MS, true), true);
    const wait = known.leasesOverAt - now();
    if (wait > 0) await sleep(wait);
  };
  const shareSuspending = () => {
    suspending ??= suspendOnce().finally(() => {
      suspending = undefined;
    });
    return suspending;
  };

  let renewing: Promise<void> | undefined;
  const shareRenewing = () => {
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
    return renewing;
  };
  const renewed = () => shareRenewing().catch(onFault);
  await renewed();
  let isClosed = false;
  const keepRenewing = async () => {
    while (!isClosed) {
      await sleep(RENEW_EVERY_MS, undefined, { ref: false });
      if (!isClosed) await renewed();
    }
  };
  void keepRenewing();

  return {
    current: () => {
      const at = now();
      const isUsable = at >= known.usableFromAtLatest && at < known.believedUntil;
      return isUsable && redisRunId() === known.redisRunId ? known.epoch : undefined;
    },
    isSuspended,
    suspend: async () => {
      if (!isSuspended()) return shareSuspending();
      // Nobody waits while the suspension holds; it only must not run out.
      if (known.usableFromAtEarliest - now() < EXTEND_BELOW_MS) shareSuspending().catch(onFault);
    },
    renew: async () => {
      await shareRenewing();
      const wait = Math.min(known.leasesOverAt - now(), LEASE_MS);
      if (wait > 0) await sleep(wait);
    },
    close: () => {
      isClosed = true;
    },
  };
}
