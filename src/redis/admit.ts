// Asks Redis, where all processes meet, whether calls may go on: one command and one round trip for all that come at once.
import type { CapWindow } from '../domain/caps.ts';
import { paceOf } from '../domain/limits.ts';
import { MICROS_PER_MS, type Micros } from '../domain/time.ts';
import type { AdmissionRequest, Cap, Limited, Verdict } from './admission.ts';
import { ADMIT, NOTE_FAILURE } from './admit-script.ts';
import type { Redis } from './connect.ts';
import { gather } from './gather.ts';

/** What Redis knows of callers. Everything here throws when Redis does. */
export interface Shared {
  /** Decides, and charges the call when it is admitted. */
  admit(request: AdmissionRequest): Promise<SharedVerdict>;
  /** Counts a failure under all of the caps; when one of them is reached, under none, and says which. */
  noteFailure(caps: readonly Cap[]): Promise<Limited | undefined>;
  /** Takes back a failure that was counted then. */
  forgive(cap: Cap, at: Micros): Promise<void>;
}

/** A verdict, and when it was given by the clock of Redis. */
export interface SharedVerdict extends Verdict {
  readonly at: Micros;
}

/** So many calls share a command at most: Redis serves nobody else while it decides them. */
const TOGETHER = 128;

/** A call as the script reads it: edge request id, nonce's life (ms), limits, caps. */
type CallWords = readonly [string, number, readonly PaceWords[], readonly CapWords[]];
/** A limit (domain/limits.ts): interval, tolerance, charge. */
type PaceWords = readonly [number, number, number];
/** A cap: whether the call is a guess (1), and its windows. */
type CapWords = readonly [number, WindowWords];
/** Count and microseconds of each window. */
type WindowWords = readonly number[];

type Script<Answer> = (keyCount: number, ...args: string[]) => Promise<Answer>;
interface Scripts {
  readonly ppuriAdmit: Script<number[][]>;
  readonly ppuriNoteFailure: Script<number[]>;
}

/** Knows callers under keys that begin with the prefix, and that all expire by themselves. */
export function shareWith(redis: Redis, prefix: string): Shared {
  redis.defineCommand('ppuriAdmit', { lua: ADMIT });
  redis.defineCommand('ppuriNoteFailure', { lua: NOTE_FAILURE });
  const scripts = redis as unknown as Scripts;
  const capKey = ({ name, key }: Cap) => `${prefix}:cap:${name}:${key}`;

  const admitAll = async (requests: readonly AdmissionRequest[]) => {
    const keys: string[] = [];
    for (const { nonce, limits, caps } of requests) {
      keys.push(`${prefix}:nonce:${nonce.key}`);
      for (const { name, key } of limits) keys.push(`${prefix}:limit:${name}:${key}`);
      for (const cap of caps) keys.push(capKey(cap));
    }
    const answers = await scripts.ppuriAdmit(keys.length, ...keys, JSON.stringify(requests.map(wordsOf)));
    return requests.map((request, index) => readVerdict(answers[index] ?? [], request));
  };

  const forgiveAll = async (guesses: readonly { readonly key: string; readonly at: Micros }[]) => {
    const pipeline = redis.pipeline();
    for (const { key, at } of guesses) pipeline.lrem(key, 1, at);
    const answers = (await pipeline.exec()) ?? [];
    const failed = answers.find(([error]) => error);
    if (failed?.[0]) throw failed[0];
    return [];
  };
  const forgive = gather(TOGETHER, forgiveAll);

  return {
    admit: gather(TOGETHER, admitAll),

    async noteFailure(caps) {
      const windows = JSON.stringify(caps.map((cap) => windowWords(cap.windows)));
      const answer = await scripts.ppuriNoteFailure(caps.length, ...caps.map(capKey), windows);
      const [, capping = 0, retryAfterMs = 0] = answer;
      const cap = caps[capping - 1];
      return cap && { name: cap.name, retryAfterMs };
    },

    forgive: (cap, at) => forgive({ key: capKey(cap), at }),
  };
}

function wordsOf({ nonce, limits, caps }: AdmissionRequest): CallWords {
  const paces = limits.map((limit): PaceWords => {
    const { interval, tolerance, charge } = paceOf(limit, limit.cost);
    return [interval, tolerance, charge];
  });
  const capWords = caps.map((cap): CapWords => [cap.isGuess ? 1 : 0, windowWords(cap.windows)]);
  return [nonce.edgeRequestId, nonce.ttlMs, paces, capWords];
}

function windowWords(windows: readonly CapWindow[]): WindowWords {
  return windows.flatMap(({ count, windowMs }) => [count, windowMs * MICROS_PER_MS]);
}

function readVerdict(answer: readonly number[], { limits, caps }: AdmissionRequest): SharedVerdict {
  const [outcome, at = 0, refusing = 0, retryAfterMs = 0] = answer;
  if (outcome === 1) return { outcome: 'replayed', limits: [], at };
  const states = limits.map(({ name, burst }, index) => ({
    name,
    limit: burst,
    remaining: answer[4 + 2 * index] ?? 0,
    resetMs: answer[5 + 2 * index] ?? 0,
  }));
  const by = [...limits, ...caps][refusing - 1];
  if (!by) return { outcome: 'admitted', limits: states, at };
  return { outcome: 'limited', limited: { name: by.name, retryAfterMs }, limits: states, at };
}
