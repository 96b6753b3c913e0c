// The connection that copies go over: every step is one command, behind a breaker, and known to be of one run of Redis.
import { type Breaker, type BreakerState, createBreaker } from '../../resilience/index.ts';
import { coalesce } from '../coalesce.ts';
import { connectRedis, type Redis, waitUntilReady } from '../connection.ts';
import { DROP, FILL, LOOK, MARK, PUT, UNMARK } from './scripts.ts';

/** A copy to put: a full key, what stands there, and for how long (milliseconds). */
export interface StoredEntry {
  readonly key: string;
  readonly version: number;
  readonly entry: string;
  readonly ttlMs: number;
}

/** A copy to fill in under a key that was taken under this name. */
interface Filling {
  readonly key: string;
  readonly name: string;
  readonly entry: string;
  readonly ttlMs: number;
}

/** How the store reaches Redis. */
export interface StoreOptions {
  readonly url: string;
  /** So long Redis has to answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly onStateChange: (state: BreakerState, cause?: Error) => void;
  readonly onConnectionError: (error: Error) => void;
}

/** Every step throws when Redis does not do it in time. */
export interface Store {
  /** What stands there; where nothing does, takes the key under this name and returns null. */
  getOrTake(key: string, name: string): Promise<string | null>;
  fill(key: string, name: string, entry: string, ttlMs: number): Promise<void>;
  /** Drops exactly this. */
  drop(key: string, found: string): Promise<void>;
  remove(keys: readonly string[]): Promise<void>;
  mark(marks: readonly { readonly key: string; readonly version: number }[]): Promise<void>;
  /** Takes away marks of exactly these versions: their commit is done, and readers may fill in what they find. */
  unmark(marks: readonly { readonly key: string; readonly version: number }[]): Promise<void>;
  put(entries: readonly StoredEntry[]): Promise<void>;
  /** The run of Redis that the connection leads to; undefined while it does not answer. */
  runId(): string | undefined;
  state(): BreakerState;
  close(): void;
}

/** A reader that dies leaves a key taken for so long; nobody fills it in meanwhile. */
const TAKEN_MS = 10_000;
/**
 * How long a mark stays, in milliseconds. It goes after its commit, so this is for processes that die before: a commit that
 * waits for a synchronous standby goes on without them, and no copy of before may be filled in until it is seen.
 */
export const MARKED_MS = 60 * 60_000;
const CONNECT_WITHIN_MS = 2_000;
/** What a process has under way to Redis at most; more is done without it. */
const MAX_UNDER_WAY = 10_000;
/** With nobody calling, the breaker would never find that Redis is back. */
const PROBE_EVERY_MS = 250;

/** So many looks share a command at most: Redis serves nobody else meanwhile. */
const TOGETHER = 256;

type Script<Answer> = (keyCount: number, ...args: (string | number)[]) => Promise<Answer>;
type Scripts = Record<
  'ppuriMark' | 'ppuriUnmark' | 'ppuriPut' | 'ppuriFill' | 'ppuriDrop',
  Script<number>
> & {
  readonly ppuriLook: Script<(string | null)[]>;
};

/** Connects, and again whenever the connection is lost. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const redis = connectRedis({ url: options.url, onError: options.onConnectionError });
  const breaker = createBreaker({ ...options, capacity: MAX_UNDER_WAY });
  let runId: string | undefined;
  const learnRunId = async () => {
    const info = await redis.info('server');
    runId = /^run_id:(\w+)/m.exec(info)?.[1];
  };
  redis.on('ready', () => void learnRunId().catch(options.onConnectionError));
  // What is asked from here on goes to nobody, or to another run.
  redis.on('close', () => {
    runId = undefined;
  });
  await waitUntilReady(redis, CONNECT_WITHIN_MS);
  await learnRunId().catch(() => {});
  const probe = setInterval(() => void breaker.run(() => redis.ping()).catch(() => {}), PROBE_EVERY_MS);
  probe.unref();
  return {
    ...stepsOf(redis, breaker),
    runId: () => (breaker.state() === 'closed' ? runId : undefined),
    state: breaker.state,
    close() {
      clearInterval(probe);
      breaker[Symbol.dispose]();
      redis.disconnect();
    },
  };
}

function stepsOf(redis: Redis, breaker: Breaker): Omit<Store, 'runId' | 'state' | 'close'> {
  for (const [name, lua] of Object.entries({
    ppuriLook: LOOK,
    ppuriMark: MARK,
    ppuriUnmark: UNMARK,
    ppuriPut: PUT,
    ppuriFill: FILL,
    ppuriDrop: DROP,
  }))
    redis.defineCommand(name, { lua });
  const scripts = redis as unknown as Scripts;
  const run = async (work: () => Promise<unknown>) => {
    await breaker.run(work);
  };
  const look = coalesce(
    breaker,
    TOGETHER,
    (asks: readonly { readonly key: string; readonly name: string }[]) =>
      scripts.ppuriLook(
        asks.length,
        ...asks.map(({ key }) => key),
        TAKEN_MS,
        ...asks.map(({ name }) => name),
      ),
  );
  const fill = coalesce(breaker, TOGETHER, async (fillings: readonly Filling[]) => {
    await scripts.ppuriFill(
      fillings.length,
      ...fillings.map(({ key }) => key),
      ...fillings.flatMap(({ name, ttlMs, entry }) => [`T${name}`, ttlMs, entry]),
    );
    return [];
  });
  return {
    getOrTake: (key, name) => look({ key, name }),
    fill: (key, name, entry, ttlMs) => fill({ key, name, entry, ttlMs }),
    drop: (key, found) => run(() => scripts.ppuriDrop(1, key, found)),
    remove: (keys) => run(() => redis.del(...keys)),
    mark: (marks) =>
      run(() =>
        scripts.ppuriMark(
          marks.length,
          ...marks.map(({ key }) => key),
          MARKED_MS,
          ...marks.map(({ version }) => version),
        ),
      ),
    unmark: (marks) =>
      run(() =>
        scripts.ppuriUnmark(
          marks.length,
          ...marks.map(({ key }) => key),
          ...marks.map(({ version }) => version),
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
