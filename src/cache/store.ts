// The cache's connection to Redis: each operation is one command, behind a breaker, and known to be of one run of Redis.
import {
  coalesce,
  createRedisConnection,
  type Redis,
  type RedisAddress,
  waitUntilReady,
} from '../redis/index.ts';
import { type Breaker, type BreakerState, type BreakerStatus, createBreaker } from '../resilience/index.ts';
import { DELETE_IF_EQUAL, FILL, GET_OR_CLAIM, REPLACE_TOMBSTONES, SET_TOMBSTONES } from './scripts.ts';

/** A key of which a commit brings a version. */
export interface KeyVersion {
  readonly key: string;
  readonly version: number;
}

/** What comes in the place of a tombstone of this version: an entry, or nothing where that is empty. */
export interface Replacement extends KeyVersion {
  readonly entry: string;
  readonly ttlMs: number;
}

/** An entry to fill in under a key that was claimed under this name. */
interface Filling {
  readonly key: string;
  readonly name: string;
  readonly entry: string;
  readonly ttlMs: number;
}

/** How the store reaches Redis, and who is notified of what happens. */
export interface StoreOptions extends RedisAddress {
  /** How long Redis has to answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly onStateChange: (state: BreakerState, cause?: Error) => void;
  readonly onConnectionError: (error: Error) => void;
}

/** Every operation throws when Redis does not do it in time. */
export interface Store extends BreakerStatus, Disposable {
  /** The value of the key; where it has none, null, and the key is claimed under this name. Undefined in another run of Redis. */
  getOrClaim(key: string, name: string): Promise<string | null | undefined>;
  /** Fills the entry in where the claim of this name is still there. */
  fill(key: string, name: string, entry: string, ttlMs: number): Promise<void>;
  /** Deletes the key if this is still its value. */
  deleteIfEqual(key: string, value: string): Promise<void>;
  delete(keys: readonly string[]): Promise<void>;
  /**
   * No key may be given twice. Returns how long each entry that was replaced would have lived, in milliseconds; CLAIMED, or 0 where
   * nobody reads it.
   */
  setTombstones(tombstones: readonly KeyVersion[]): Promise<readonly number[]>;
  /** Replaces tombstones of exactly these versions: their commits are done. */
  replaceTombstones(replacements: readonly Replacement[]): Promise<void>;
  /**
   * Names the time in which Redis has kept everything that was written over this connection and others like it; undefined while
   * it does not answer, or is no master. See `learnRun`.
   */
  runId(): string | undefined;
}

/** In the place of an entry's time to live: a reader had claimed the key. */
export const CLAIMED = -1;
/** How long a claim lives, in milliseconds: nobody fills the key in meanwhile when its reader has died. */
const CLAIM_TTL_MS = 10_000;
/**
 * How long a tombstone lives, in milliseconds. It is removed after its commit, so this is for processes that die before: a
 * commit that waits for a synchronous standby goes on without them, and nobody may fill in an older entry until it is visible.
 */
export const TOMBSTONE_TTL_MS = 60 * 60_000;
/** Holds a random mark, which is gone when Redis was emptied. */
const MARK_KEY = 'ppuri:cache:run';
const CONNECT_WITHIN_MS = 2_000;
/** The maximum number of commands in flight; beyond that reads go to Postgres. */
const MAX_IN_FLIGHT = 10_000;
/** Interval of the probe, in milliseconds. Without callers the breaker would not notice that Redis answers again. */
const PROBE_INTERVAL_MS = 250;
/** Reads in one command at most: Redis serves nobody else meanwhile. */
const MAX_READS = 256;

type Script<Answer> = (keyCount: number, ...args: (string | number)[]) => Promise<Answer>;
type Scripts = Record<'ppuriReplaceTombstones' | 'ppuriFill' | 'ppuriDeleteIfEqual', Script<number>> & {
  readonly ppuriSetTombstones: Script<number[]>;
  readonly ppuriGetOrClaim: Script<(string | null)[] | null>;
};

/** Connects, and again whenever the connection is lost. */
export async function createStore(options: StoreOptions): Promise<Store> {
  const redis = createRedisConnection({ ...options, onError: options.onConnectionError });
  const breaker = createBreaker({ ...options, capacity: MAX_IN_FLIGHT });
  let run: Run | undefined;
  const learn = async () => {
    run = await learnRun(redis);
  };
  redis.on('ready', () => void learn().catch(options.onConnectionError));
  // The next connection may lead to another run.
  redis.on('close', () => {
    run = undefined;
  });
  await waitUntilReady(redis, CONNECT_WITHIN_MS);
  await learn().catch(() => {});
  const probe = setInterval(() => void breaker.run(learn).catch(() => {}), PROBE_INTERVAL_MS);
  probe.unref();
  return {
    ...operationsOf(redis, breaker, () => run?.mark ?? ''),
    runId: () => (breaker.state() === 'closed' ? run?.id : undefined),
    state: breaker.state,
    stats: breaker.stats,
    [Symbol.dispose]() {
      clearInterval(probe);
      breaker[Symbol.dispose]();
      redis.disconnect();
    },
  };
}

/** A run of Redis, as the cache means it. */
interface Run {
  readonly id: string;
  /** What MARK_KEY holds in it. */
  readonly mark: string;
}

/**
 * Three things make another run, because each may have lost tombstones: another process (`run_id`); another promotion
 * (`master_replid`: a server that was a replica in between has taken over what the other master had); and another mark.
 */
async function learnRun(redis: Redis): Promise<Run | undefined> {
  const fresh = crypto.randomUUID();
  const [info, found] = await Promise.all([
    redis.info('server', 'replication'),
    redis.set(MARK_KEY, fresh, 'NX', 'GET'),
  ]);
  const field = (name: string) => new RegExp(`^${name}:(\\w+)`, 'm').exec(info)?.[1];
  const [processId, promotionId] = [field('run_id'), field('master_replid')];
  if (field('role') !== 'master' || processId === undefined) return undefined;
  const mark = found ?? fresh;
  return { id: `${processId}:${promotionId}:${mark}`, mark };
}

function operationsOf(
  redis: Redis,
  breaker: Breaker,
  mark: () => string,
): Omit<Store, 'runId' | keyof BreakerStatus | keyof Disposable> {
  for (const [name, lua] of Object.entries({
    ppuriGetOrClaim: GET_OR_CLAIM,
    ppuriSetTombstones: SET_TOMBSTONES,
    ppuriReplaceTombstones: REPLACE_TOMBSTONES,
    ppuriFill: FILL,
    ppuriDeleteIfEqual: DELETE_IF_EQUAL,
  }))
    redis.defineCommand(name, { lua });
  const scripts = redis as unknown as Scripts;
  const run = async (work: () => Promise<unknown>) => {
    await breaker.run(work);
  };
  type Claim = { readonly key: string; readonly name: string };
  const getOrClaim = coalesce(breaker, MAX_READS, async (claims: readonly Claim[]) => {
    const found = await scripts.ppuriGetOrClaim(
      claims.length + 1,
      MARK_KEY,
      ...claims.map(({ key }) => key),
      mark(),
      CLAIM_TTL_MS,
      ...claims.map(({ name }) => name),
    );
    return found ?? [];
  });
  const fill = coalesce(breaker, MAX_READS, async (fillings: readonly Filling[]) => {
    await scripts.ppuriFill(
      fillings.length,
      ...fillings.map(({ key }) => key),
      ...fillings.flatMap(({ name, ttlMs, entry }) => [`T${name}`, ttlMs, entry]),
    );
    return [];
  });
  return {
    getOrClaim: (key, name) => getOrClaim({ key, name }),
    fill: (key, name, entry, ttlMs) => fill({ key, name, entry, ttlMs }),
    deleteIfEqual: (key, value) => run(() => scripts.ppuriDeleteIfEqual(1, key, value)),
    delete: (keys) => run(() => redis.del(...keys)),
    setTombstones: (tombstones) =>
      breaker.run(() =>
        scripts.ppuriSetTombstones(
          tombstones.length,
          ...tombstones.map(({ key }) => key),
          TOMBSTONE_TTL_MS,
          ...tombstones.map(({ version }) => version),
        ),
      ),
    replaceTombstones: (replacements) => {
      // Keys with an entry come first; the tombstones of the others are removed.
      const entries = replacements.filter(({ entry }) => entry !== '');
      const inOrder = [...entries, ...replacements.filter(({ entry }) => entry === '')];
      return run(() =>
        scripts.ppuriReplaceTombstones(
          inOrder.length,
          ...inOrder.map(({ key }) => key),
          ...inOrder.map(({ version }) => version),
          ...entries.flatMap(({ ttlMs, entry }) => [ttlMs, entry]),
        ),
      );
    },
  };
}
