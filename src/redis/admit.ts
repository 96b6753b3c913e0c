// Asks Redis, where all processes meet, whether a call may go on: one command, one round trip.
import type { CapWindow } from '../domain/caps.ts';
import { paceOf } from '../domain/limits.ts';
import { MICROS_PER_MS, type Micros } from '../domain/time.ts';
import type { AdmissionRequest, Cap, Limited, Verdict } from './admission.ts';
import { ADMIT, NOTE_FAILURE } from './admit-script.ts';
import type { Redis } from './connect.ts';

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

type Script = (keyCount: number, ...args: (string | number)[]) => Promise<number[]>;

/** Knows callers under keys that begin with the prefix, and that all expire by themselves. */
export function shareWith(redis: Redis, prefix: string): Shared {
  redis.defineCommand('ppuriAdmit', { lua: ADMIT });
  redis.defineCommand('ppuriNoteFailure', { lua: NOTE_FAILURE });
  const scripts = redis as unknown as { readonly ppuriAdmit: Script; readonly ppuriNoteFailure: Script };
  const capKey = ({ name, key }: Cap) => `${prefix}:cap:${name}:${key}`;

  return {
    async admit({ nonce, limits, caps }) {
      const keys = [`${prefix}:nonce:${nonce.key}`];
      const args: (string | number)[] = [nonce.edgeRequestId, nonce.ttlMs, limits.length];
      for (const limit of limits) {
        keys.push(`${prefix}:limit:${limit.name}:${limit.key}`);
        const { interval, tolerance, charge } = paceOf(limit, limit.cost);
        args.push(interval, tolerance, charge);
      }
      for (const cap of caps) {
        keys.push(capKey(cap));
        args.push(cap.isGuess ? 1 : 0, ...windowArgs(cap.windows));
      }
      return readVerdict(await scripts.ppuriAdmit(keys.length, ...keys, ...args), { nonce, limits, caps });
    },

    async noteFailure(caps) {
      const args = caps.flatMap(({ windows }) => windowArgs(windows));
      const [, capping = 0, retryAfterMs = 0] = await scripts.ppuriNoteFailure(
        caps.length,
        ...caps.map(capKey),
        ...args,
      );
      const cap = caps[capping - 1];
      return cap && { name: cap.name, retryAfterMs };
    },

    async forgive(cap, at) {
      await redis.lrem(capKey(cap), 1, at);
    },
  };
}

function windowArgs(windows: readonly CapWindow[]): number[] {
  return [windows.length, ...windows.flatMap(({ count, windowMs }) => [count, windowMs * MICROS_PER_MS])];
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
