// What this process itself remembers of callers: it stands in for Redis, and holds the line when Redis forgets.
import { waitOfCap } from '../domain/caps.ts';
import { decideRate, paceOf, type RateDecision } from '../domain/limits.ts';
import { MICROS_PER_MS, type Micros } from '../domain/time.ts';
import type { AdmissionRequest, Cap, LimitCharge, Limited, LimitState, Nonce, Verdict } from './admission.ts';
import { ForgetfulMap } from './forgetful-map.ts';

/** One process's memory of callers. */
export interface Local {
  /** The refusal of a call that this process alone knows enough to refuse: a replay, or under a cap that is reached. */
  refuse(request: AdmissionRequest, now: Micros): Verdict | undefined;
  /** Decides, as Redis would, what is left to decide when `refuse` did not refuse, and remembers a call it admits. */
  decide(request: AdmissionRequest, now: Micros): Verdict;
  /** Remembers a call that Redis admitted. */
  remember(nonce: Nonce, now: Micros): void;
  /** The cap that makes wait longest; undefined when none is reached. */
  capping(caps: readonly Cap[], now: Micros): Limited | undefined;
  /** Counts a failure. */
  count(cap: Cap, now: Micros): void;
  /** Takes back a failure that was counted then. */
  forgive(cap: Cap, at: Micros): void;
}

/**
 * Remembers the last 50,000 and at most 100,000 nonces, limits and caps each: together at most some 70 MB. Caps stand apart,
 * so that a flood of nonces does not make anybody's failures forgotten.
 */
const CAPACITY = 50_000;

/** Starts to remember. */
export function startLocal(capacity = CAPACITY): Local {
  const nonces = new ForgetfulMap<string>(capacity);
  const tats = new ForgetfulMap<Micros>(capacity);
  const failures = new ForgetfulMap<readonly Micros[]>(capacity);
  const idOf = ({ name, key }: { readonly name: string; readonly key: string }) => `${name}:${key}`;

  const knows = ({ key, edgeRequestId }: Nonce, now: Micros): 'replay' | 'retry' | undefined => {
    const known = nonces.get(key, now);
    if (known === undefined) return undefined;
    return known !== '' && known === edgeRequestId ? 'retry' : 'replay';
  };

  const local: Local = {
    refuse(request, now) {
      const known = knows(request.nonce, now);
      if (known === 'replay') return { outcome: 'replayed', limits: [] };
      const limited = known === undefined ? local.capping(request.caps, now) : undefined;
      return limited && { outcome: 'limited', limited, limits: [] };
    },

    decide({ nonce, limits }, now) {
      const known = knows(nonce, now);
      if (known === 'replay') return { outcome: 'replayed', limits: [] };
      const isRetry = known === 'retry';
      const decide = (limit: LimitCharge, cost: number) =>
        decideRate(tats.get(idOf(limit), now), paceOf(limit, cost), now);
      const decided = limits.map((limit) => ({
        limit,
        ...decide(limit, isRetry ? 0 : limit.cost),
      }));
      const limited = longest(decided.map(({ limit, retryAfterMs }) => ({ name: limit.name, retryAfterMs })));
      if (limited) {
        // Those that would have let the call pass are not charged either.
        const states = limits.map((limit) => stateOf(limit, decide(limit, 0)));
        return { outcome: 'limited', limited, limits: states };
      }
      if (!isRetry) {
        for (const { limit, newTat } of decided) tats.set(idOf(limit), newTat, newTat);
        local.remember(nonce, now);
      }
      return { outcome: 'admitted', limits: decided.map((decision) => stateOf(decision.limit, decision)) };
    },

    remember({ key, edgeRequestId, ttlMs }, now) {
      nonces.set(key, edgeRequestId, now + ttlMs * MICROS_PER_MS);
    },

    capping(caps, now) {
      return longest(
        caps.map((cap) => {
          const wait = waitOfCap(failures.get(idOf(cap), now) ?? [], cap.windows, now);
          return { name: cap.name, retryAfterMs: Math.ceil(wait / MICROS_PER_MS) };
        }),
      );
    },

    count(cap, now) {
      const { count: most = 0, windowMs = 0 } = cap.windows.at(-1) ?? {};
      const times = [now, ...(failures.get(idOf(cap), now) ?? [])].slice(0, most);
      failures.set(idOf(cap), times, now + windowMs * MICROS_PER_MS);
    },

    forgive(cap, at) {
      const times = failures.get(idOf(cap), at);
      const index = times?.indexOf(at) ?? -1;
      if (times === undefined || index === -1) return;
      const { windowMs = 0 } = cap.windows.at(-1) ?? {};
      const latest = Math.max(...times);
      failures.set(idOf(cap), times.toSpliced(index, 1), latest + windowMs * MICROS_PER_MS);
    },
  };
  return local;
}

function stateOf({ name, burst }: LimitCharge, { remaining, resetMs }: RateDecision): LimitState {
  return { name, limit: burst, remaining, resetMs };
}

/** Whichever makes wait longest; undefined when none makes wait at all. */
function longest(waits: readonly Limited[]): Limited | undefined {
  let most: Limited | undefined;
  for (const wait of waits) if (wait.retryAfterMs > (most?.retryAfterMs ?? 0)) most = wait;
  return most;
}
