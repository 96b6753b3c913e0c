// Decides in memory: the fallback where Redis does not answer, and what this process still knows when Redis was emptied.
import { LRUCache } from 'lru-cache';
import { waitOfCap } from '../domain/caps.ts';
import { decideRate, paceOf, type RateDecision } from '../domain/limits.ts';
import { MICROS_PER_MS, type Micros } from '../domain/time.ts';
import type { AdmissionRequest, Cap, Decision, LimitCharge, Limited, LimitState, Nonce } from './request.ts';

/** What one process remembers of callers. */
export interface InMemoryAdmission {
  /** Refuses a call that this process can refuse by itself: a replay, or one under a cap that is reached. */
  refuse(request: AdmissionRequest, now: Micros): Decision | undefined;
  /** Decides as Redis would, given that `refuse` did not refuse, and remembers a call that it admits. */
  decide(request: AdmissionRequest, now: Micros): Decision;
  /** Remembers a call that Redis admitted. */
  remember(nonce: Nonce, now: Micros): void;
  recordFailure(cap: Cap, now: Micros): void;
  /** Takes back a failure that was recorded at that moment. */
  refundGuess(cap: Cap, at: Micros): void;
}

/**
 * How many nonces, limits and caps are remembered of each: the latest ones, together in some 40 MB. Caps have a cache of
 * their own, so that a flood of nonces does not evict failures.
 */
const MAX_ENTRIES = 50_000;

/** A nonce that was used. */
interface UsedNonce {
  readonly edgeRequestId: string;
  readonly expiresAt: Micros;
}

/** Creates an empty memory. */
export function createInMemoryAdmission(max = MAX_ENTRIES): InMemoryAdmission {
  const nonces = new LRUCache<string, UsedNonce>({ max });
  const tats = new LRUCache<string, Micros>({ max });
  const failures = new LRUCache<string, readonly Micros[]>({ max });
  const idOf = ({ name, key }: { readonly name: string; readonly key: string }) => `${name}:${key}`;

  const knows = ({ key, edgeRequestId }: Nonce, now: Micros): 'replay' | 'retry' | undefined => {
    const known = nonces.get(key);
    if (known === undefined || known.expiresAt <= now) return undefined;
    return edgeRequestId !== '' && known.edgeRequestId === edgeRequestId ? 'retry' : 'replay';
  };

  const reachedCap = (caps: readonly Cap[], now: Micros): Limited | undefined =>
    longest(
      caps.map((cap) => {
        const wait = waitOfCap(failures.get(idOf(cap)) ?? [], cap.windows, now);
        return { name: cap.name, retryAfterMs: Math.ceil(wait / MICROS_PER_MS) };
      }),
    );

  const memory: InMemoryAdmission = {
    refuse(request, now) {
      const known = knows(request.nonce, now);
      if (known === 'replay') return { outcome: 'replayed', limits: [] };
      const limited = known === undefined ? reachedCap(request.caps, now) : undefined;
      return limited && { outcome: 'limited', limited, limits: [] };
    },

    decide({ nonce, limits }, now) {
      const known = knows(nonce, now);
      if (known === 'replay') return { outcome: 'replayed', limits: [] };
      const isRetry = known === 'retry';
      const decide = (limit: LimitCharge, cost: number) =>
        decideRate(tats.get(idOf(limit)), paceOf(limit, cost), now);
      const decided = limits.map((limit) => ({
        limit,
        ...decide(limit, isRetry ? 0 : limit.cost),
      }));
      const limited = longest(decided.map(({ limit, retryAfterMs }) => ({ name: limit.name, retryAfterMs })));
      if (limited) {
        // Limits that would have admitted the call are not charged either.
        const states = limits.map((limit) => stateOf(limit, decide(limit, 0)));
        return { outcome: 'limited', limited, limits: states };
      }
      if (!isRetry) {
        for (const { limit, newTat } of decided) tats.set(idOf(limit), newTat);
        memory.remember(nonce, now);
      }
      return { outcome: 'admitted', limits: decided.map((decision) => stateOf(decision.limit, decision)) };
    },

    remember({ key, edgeRequestId, ttlMs }, now) {
      nonces.set(key, { edgeRequestId, expiresAt: now + ttlMs * MICROS_PER_MS });
    },

    recordFailure(cap, now) {
      const { count: most = 0 } = cap.windows.at(-1) ?? {};
      failures.set(idOf(cap), [now, ...(failures.get(idOf(cap)) ?? [])].slice(0, most));
    },

    refundGuess(cap, at) {
      const times = failures.get(idOf(cap)) ?? [];
      const index = times.indexOf(at);
      if (index !== -1) failures.set(idOf(cap), times.toSpliced(index, 1));
    },
  };
  return memory;
}

function stateOf({ name, burst }: LimitCharge, { remaining, resetMs }: RateDecision): LimitState {
  return { name, limit: burst, remaining, resetMs };
}

/** The longest wait; undefined where there is none. */
function longest(waits: readonly Limited[]): Limited | undefined {
  let most: Limited | undefined;
  for (const wait of waits) if (wait.retryAfterMs > (most?.retryAfterMs ?? 0)) most = wait;
  return most;
}
