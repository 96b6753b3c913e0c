// The cache's connection to Redis: each operation is one command, behind a breaker, and known to be of one run of Redis.
import { coalesce, createRedisConnection, type Redis, waitUntilReady } from '../redis/index.ts';
import { type Breaker, type BreakerState, type BreakerStatus, createBreaker } from '../resilience/index.ts';
import { DELETE_IF_EQUAL, FILL, GET_OR_CLAIM, PUT, REMOVE_TOMBSTONES, SET_TOMBSTONES } from './scripts.ts';

/** A key of which a commit brings a version. */
export interface KeyVersion {
  readonly key: string;
  readonly version: number;
}

/** An entry to put under a key. */
export interface StoredEntry extends KeyVersion {
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

/** How the store reaches Redis, and who is told of what happens. */
export interface StoreOptions {
  readonly url: string;
  /** How long Redis has to answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly onStateChange: (state: BreakerState, cause?: Error) => void;
  readonly onConnectionError: (error: Error) => void;
}

/** Every operation throws when Redis does not do it in time. */
export interface Store extends BreakerStatus, Disposable {
  /** The value of the key; where it has none, null, and the key is claimed under this name. */
  getOrClaim(key: string, name: string): Promise<string | null>;
  /** Fills the entry in where the claim of this name still stands. */
  fill(key: string, name: string, entry: string, ttlMs: number): Promise<void>;
  /** Deletes the key if this is still its value. */
  deleteIfEqual(key: string, value: string): Promise<void>;
  delete(keys: readonly string[]): Promise<void>;
  setTombstones(tombstones: readonly KeyVersion[]): Promise<void>;
  /** Removes tombstones of exactly these versions: their commits are done, and readers may fill the keys in. */
  removeTombstones(tombstones: readonly KeyVersion[]): Promise<void>;
  put(entries: readonly StoredEntry[]): Promise<void>;
  /** The run of Redis that the connection leads to; undefined while it does not answer. */
  runId(): string | undefined;
}

/** How long a claim lives, in milliseconds: nobody fills the key in meanwhile when its reader has died. */
const CLAIM_TTL_MS = 10_000;
/**
 * How long a tombstone lives, in milliseconds. It is removed after its commit, so this is for processes that die before: a
 * commit that waits for a synchronous standby goes on without them, and nobody may fill in an older entry until it is visible.
 */
export const TOMBSTONE_TTL_MS = 60 * 60_000;
const CONNECT_WITHIN_MS = 2_000;
/** Commands under way at most; beyond that work goes on without Redis. */
const MAX_IN_FLIGHT = 10_000;
/** Interval of the probe, in milliseconds. Without callers the breaker would not notice that Redis answers again. */
const PROBE_INTERVAL_MS = 250;
/** Reads in one command at most: Redis serves nobody else meanwhile. */
const MAX_READS = 256;

type Script<Answer> = (keyCount: number, ...args: (string | number)[]) => Promise<Answer>;
type Scripts = Record<
  'ppuriSetTombstones' | 'ppuriRemoveTombstones' | 'ppuriPut' | 'ppuriFill' | 'ppuriDeleteIfEqual',
  Script<number>
> & {
  readonly ppuriGetOrClaim: Script<(string | null)[]>;
};

/** Connects, and again whenever the connection is lost. */
export async function createStore(options: StoreOptions): Promise<Store> {
  const redis = createRedisConnection({ url: options.url, onError: options.onConnectionError });
  const breaker = createBreaker({ ...options, capacity: MAX_IN_FLIGHT });
  let runId: string | undefined;
  const learnRunId = async () => {
    const info = await redis.info('server');
    runId = /^run_id:(\w+)/m.exec(info)?.[1];
  };
  redis.on('ready', () => void learnRunId().catch(options.onConnectionError));
  // The next connection may lead to another run.
  redis.on('close', () => {
    runId = undefined;
  });
  await waitUntilReady(redis, CONNECT_WITHIN_MS);
  await learnRunId().catch(() => {});
  const probe = setInterval(() => void breaker.run(() => redis.ping()).catch(() => {}), PROBE_INTERVAL_MS);
  probe.unref();
  return {
    ...operationsOf(redis, breaker),
    runId: () => (breaker.state() === 'closed' ? runId : undefined),
    state: breaker.state,
    stats: breaker.stats,
    [Symbol.dispose]() {
      clearInterval(probe);
      breaker[Symbol.dispose]();
      redis.disconnect();
    },
  };
}

function operationsOf(
  redis: Redis,
  breaker: Breaker,
): Omit<Store, 'runId' | keyof BreakerStatus | keyof Disposable> {
  for (const [name, lua] of Object.entries({
    ppuriGetOrClaim: GET_OR_CLAIM,
    ppuriSetTombstones: SET_TOMBSTONES,
    ppuriRemoveTombstones: REMOVE_TOMBSTONES,
    ppuriPut: PUT,
    ppuriFill: FILL,
    ppuriDeleteIfEqual: DELETE_IF_EQUAL,
  }))
    redis.defineCommand(name, { lua });
  const scripts = redis as unknown as Scripts;
  const run = async (work: () => Promise<unknown>) => {
    await breaker.run(work);
  };
  type Claim = { readonly key: string; readonly name: string };
  const getOrClaim = coalesce(breaker, MAX_READS, (claims: readonly Claim[]) =>
    scripts.ppuriGetOrClaim(
      claims.length,
      ...claims.map(({ key }) => key),
      CLAIM_TTL_MS,
      ...claims.map(({ name }) => name),
    ),
  );
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
      run(() =>
        scripts.ppuriSetTombstones(
          tombstones.length,
          ...tombstones.map(({ key }) => key),
          TOMBSTONE_TTL_MS,
          ...tombstones.map(({ version }) => version),
        ),
      ),
    removeTombstones: (tombstones) =>
      run(() =>
        scripts.ppuriRemoveTombstones(
          tombstones.length,
          ...tombstones.map(({ key }) => key),
          ...tombstones.map(({ version }) => version),
        ),
      ),
    put: (entries) =>
      run(() =>
        scripts.ppuriPut(
          entries.length,
          ...entries.map(({ key }) => key),
          ...entries.flatMap(({ version, ttlMs, entry }) => [version, ttlMs, entry]),
        ),
      ),
  };
}
