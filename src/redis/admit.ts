// Asks Redis, where all processes meet, whether calls may go on: one command and one round trip for all that come at once.
import type { CapWindow } from '../domain/caps.ts';
import { paceOf, standingOf } from '../domain/limits.ts';
import { MICROS_PER_MS, type Micros } from '../domain/time.ts';
import type { Breaker } from '../resilience/index.ts';
import type { AdmissionRequest, Cap, Limited, Verdict } from './admission.ts';
import { ADMIT, RECORD_FAILURE } from './admit-script.ts';
import { coalesce } from './coalesce.ts';
import type { Redis } from './connect.ts';

/** What Redis knows of callers. Everything here throws when Redis does. */
export interface Shared {
  /** Decides, and charges the call when it is admitted. */
  admit(request: AdmissionRequest): Promise<SharedVerdict>;
  /** Counts a failure under all of the caps; when one of them is reached, under none, and says which. */
  recordFailure(caps: readonly Cap[]): Promise<Limited | undefined>;
  /** Takes back a failure that was counted then. */
  forgive(cap: Cap, at: Micros): Promise<void>;
}

/** A verdict, and when it was given by the clock of Redis. */
export interface SharedVerdict extends Verdict {
  readonly at: Micros;
}

/** So many calls share a command at most: Redis serves nobody else while it decides them. */
const TOGETHER = 128;

/** Calls as the script reads them: each of them, how many limits they have together, the windows of each of their caps. */
type GroupWords = readonly [readonly CallWords[], number, readonly WindowWords[]];
/**
 * A call: edge request id, nonce's life (ms), its limits and its caps. A limit is three numbers: which of all it is
 * (from 1), then tolerance and charge (domain/limits.ts). A cap is two: which of all it is, and 1 for a guess.
 */
type CallWords = readonly [string, number, readonly number[], readonly number[]];
/** Count and microseconds of each window. */
type WindowWords = readonly number[];

type Script<Answer> = (keyCount: number, ...args: string[]) => Promise<Answer>;
interface Scripts {
  readonly ppuriAdmit: Script<string>;
  readonly ppuriRecordFailure: Script<number[]>;
}

/** Knows callers under keys that begin with the prefix, and that all expire by themselves. */
export function shareWith(redis: Redis, prefix: string, breaker: Breaker): Shared {
  redis.defineCommand('ppuriAdmit', { lua: ADMIT });
  redis.defineCommand('ppuriRecordFailure', { lua: RECORD_FAILURE });
  const scripts = redis as unknown as Scripts;
  const capKey = ({ name, key }: Cap) => `${prefix}:cap:${name}:${key}`;

  const admitAll = async (requests: readonly AdmissionRequest[]) => {
    const nonces = requests.map(({ nonce }) => `${prefix}:nonce:${nonce.key}`);
    const limits = new Numbering();
    const caps = new Numbering();
    const windows: WindowWords[] = [];
    const calls = requests.map((request): CallWords => {
      const limitWords = request.limits.flatMap((limit) => {
        const { tolerance, charge } = paceOf(limit, limit.cost);
        return [limits.of(`${prefix}:limit:${limit.name}:${limit.key}`), tolerance, charge];
      });
      const capWords = request.caps.flatMap((cap) => {
        const number = caps.of(capKey(cap));
        windows[number - 1] ??= windowWords(cap.windows);
        return [number, cap.isGuess ? 1 : 0];
      });
      return [request.nonce.edgeRequestId, request.nonce.ttlMs, limitWords, capWords];
    });
    const keys = [...nonces, ...limits.names, ...caps.names];
    const words: GroupWords = [calls, limits.names.length, windows];
    return readVerdicts(await scripts.ppuriAdmit(keys.length, ...keys, JSON.stringify(words)), requests);
  };

  const forgiveAll = async (guesses: readonly { readonly key: string; readonly at: Micros }[]) => {
    const pipeline = redis.pipeline();
    for (const { key, at } of guesses) pipeline.lrem(key, 1, at);
    const answers = (await pipeline.exec()) ?? [];
    const failed = answers.find(([error]) => error);
    if (failed?.[0]) throw failed[0];
    return [];
  };
  const forgive = coalesce(breaker, TOGETHER, forgiveAll);

  return {
    admit: coalesce(breaker, TOGETHER, admitAll),

    async recordFailure(caps) {
      const windows = JSON.stringify(caps.map((cap) => windowWords(cap.windows)));
      const answer = await breaker.run(() =>
        scripts.ppuriRecordFailure(caps.length, ...caps.map(capKey), windows),
      );
      const [, capping = 0, retryAfterMs = 0] = answer;
      const cap = caps[capping - 1];
      return cap && { name: cap.name, retryAfterMs };
    },

    forgive: (cap, at) => forgive({ key: capKey(cap), at }),
  };
}

/** Numbers names, each once, in the order in which they come, from 1 on. */
class Numbering {
  readonly #numbers = new Map<string, number>();

  of(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.#numbers.size + 1);
    return this.#numbers.size;
  }

  get names(): string[] {
    return [...this.#numbers.keys()];
  }
}

function windowWords(windows: readonly CapWindow[]): WindowWords {
  return windows.flatMap(({ count, windowMs }) => [count, windowMs * MICROS_PER_MS]);
}

function readVerdicts(answer: string, requests: readonly AdmissionRequest[]): SharedVerdict[] {
  const numbers = JSON.parse(answer) as number[];
  let read = 0;
  const next = () => numbers[read++] ?? 0;
  const at = next();
  return requests.map(({ limits, caps }) => {
    const outcome = next();
    if (outcome === 1) return { outcome: 'replayed', limits: [], at };
    const [refusing, retryAfterMs] = [next(), next()];
    const states = limits.map((limit) => ({
      name: limit.name,
      limit: limit.burst,
      ...standingOf(paceOf(limit, limit.cost), next()),
    }));
    const by = refusing === 0 ? undefined : [...limits, ...caps][refusing - 1];
    if (!by) return { outcome: 'admitted', limits: states, at };
    return { outcome: 'limited', limited: { name: by.name, retryAfterMs }, limits: states, at };
  });
}
