// Decides in Redis, where all processes meet: one command for all calls that arrive at about the same time.
import type { CapWindow } from '../domain/caps.ts';
import { paceOf, standingOf } from '../domain/limits.ts';
import { MICROS_PER_MS, type Micros } from '../domain/time.ts';
import { coalesce, type Redis } from '../redis/index.ts';
import type { Breaker } from '../resilience/index.ts';
import type { AdmissionRequest, Cap, Decision } from './request.ts';
import { ADMIT, REFUND } from './script.ts';

/** What all processes share about callers. Everything throws when Redis does. */
export interface RedisAdmission {
  /** Decides, and charges the call when it is admitted. */
  admit(request: AdmissionRequest): Promise<RedisDecision>;
  /** Takes back a failure that was counted at that moment. */
  refundGuess(cap: Cap, at: Micros): Promise<void>;
}

/** A decision, and its moment by the clock of Redis. */
export interface RedisDecision extends Decision {
  readonly at: Micros;
}

/** Calls in one command at most: Redis serves nobody else while it decides them. */
const MAX_CALLS = 128;

/** The script's argument: the calls, how many limits they have together, and the windows of each of their caps. */
type ScriptArgument = readonly [readonly CallArgument[], number, readonly WindowsArgument[]];
/**
 * A call: edge request id, the nonce's time to live (ms), its limits and its caps. A limit is three numbers: its number among
 * all limits (from 1), then tolerance and charge (domain/limits.ts). A cap is two: its number, and 1 for a guess.
 */
type CallArgument = readonly [string, number, readonly number[], readonly number[]];
/** Count and microseconds of each window. */
type WindowsArgument = readonly number[];

interface Scripts {
  readonly ppuriAdmit: (keyCount: number, ...args: string[]) => Promise<string>;
  readonly ppuriRefund: (keyCount: number, ...args: (string | number)[]) => Promise<number>;
}

/** Keeps callers under keys that begin with the prefix; every key expires by itself. */
export function createRedisAdmission(redis: Redis, prefix: string, breaker: Breaker): RedisAdmission {
  redis.defineCommand('ppuriAdmit', { lua: ADMIT });
  redis.defineCommand('ppuriRefund', { lua: REFUND });
  const scripts = redis as unknown as Scripts;
  const capKey = ({ name, key }: Cap) => `${prefix}:cap:${name}:${key}`;

  const admitAll = async (requests: readonly AdmissionRequest[]) => {
    const nonces = requests.map(({ nonce }) => `${prefix}:nonce:${nonce.key}`);
    const limits = new Numbering();
    const caps = new Numbering();
    const windows: WindowsArgument[] = [];
    const calls = requests.map((request): CallArgument => {
      const limitNumbers: number[] = [];
      for (const limit of request.limits) {
        const { tolerance, charge } = paceOf(limit, limit.cost);
        limitNumbers.push(limits.of(`${prefix}:limit:${limit.name}:${limit.key}`), tolerance, charge);
      }
      const capNumbers: number[] = [];
      for (const cap of request.caps) {
        const number = caps.of(capKey(cap));
        windows[number - 1] ??= windowNumbers(cap.windows);
        capNumbers.push(number, cap.isGuess ? 1 : 0);
      }
      return [request.nonce.edgeRequestId, request.nonce.ttlMs, limitNumbers, capNumbers];
    });
    const keys = [...nonces, ...limits.names, ...caps.names];
    const argument: ScriptArgument = [calls, limits.names.length, windows];
    return parseDecisions(await scripts.ppuriAdmit(keys.length, ...keys, JSON.stringify(argument)), requests);
  };

  const refundAll = async (guesses: readonly { readonly key: string; readonly at: Micros }[]) => {
    const keys = guesses.map(({ key }) => key);
    await scripts.ppuriRefund(keys.length, ...keys, ...guesses.map(({ at }) => at));
    return [];
  };
  const refund = coalesce(breaker, MAX_CALLS, refundAll);

  return {
    admit: coalesce(breaker, MAX_CALLS, admitAll),
    refundGuess: (cap, at) => refund({ key: capKey(cap), at }),
  };
}

/** Numbers distinct names from 1 on, in the order in which they come. */
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

function windowNumbers(windows: readonly CapWindow[]): WindowsArgument {
  return windows.flatMap(({ count, windowMs }) => [count, windowMs * MICROS_PER_MS]);
}

function parseDecisions(answer: string, requests: readonly AdmissionRequest[]): RedisDecision[] {
  const numbers = JSON.parse(answer) as number[];
  let position = 0;
  const next = () => numbers[position++] ?? 0;
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
