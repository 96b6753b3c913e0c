// Admission control of one process: asks Redis, and decides in memory where Redis does not answer.
import { setTimeout as sleep } from 'node:timers/promises';
import { MICROS_PER_MS, type Micros } from '../domain/time.ts';
import { createRedisConnection, type RedisAddress, waitUntilReady } from '../redis/index.ts';
import { type BreakerState, type BreakerStatus, createBreaker } from '../resilience/index.ts';
import { createInMemoryAdmission, type InMemoryAdmission } from './in-memory-admission.ts';
import { createRedisAdmission, type RedisAdmission } from './redis-admission.ts';
import type { AdmissionRequest, AdmissionResult, Decision } from './request.ts';

/** How to reach Redis, and who is notified of what happens. */
export interface AdmissionOptions extends RedisAddress {
  /** What every key in Redis begins with. */
  readonly prefix: string;
  /** How long Redis has to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Called when calls go on without Redis (`open`), when Redis is tried again, and when it answers again (`closed`). */
  readonly onStateChange: (state: BreakerState, cause?: Error) => void;
  /** Called for every attempt to connect that fails. */
  readonly onConnectionError: (error: Error) => void;
  /** Called for every decision; must not throw. */
  readonly onDecision?: OnDecision;
}

/**
 * An outcome, the limit or cap that refused, and who decided: Redis; this process by what it remembers, without asking Redis
 * (`memory`); or this process because Redis did not answer (`process`).
 */
export type OnDecision = (
  outcome: Decision['outcome'],
  limit: string | undefined,
  by: 'redis' | 'memory' | 'process',
) => void;

/** Never throws: without Redis this process decides by what it knows itself. The breaker's state is closed while Redis answers. */
export interface AdmissionControl extends BreakerStatus, Disposable {
  /**
   * Whether a call may go on. Decided in one step, and in one round trip to Redis: its nonce must be new, none of its caps
   * reached, and all of its limits are charged. A refused call is charged nowhere and its nonce stays unused. A retry by the
   * edge (same nonce, same edge request id) is admitted once more and not charged again.
   */
  admit(request: AdmissionRequest): Promise<AdmissionResult>;
  /** Takes back the guesses of a call that turned out to be no wrong guess. */
  refundGuess(result: AdmissionResult): Promise<void>;
  /** Whether there is a connection to Redis. */
  isConnected(): boolean;
}

/** How many commands may be under way; calls beyond that are decided in memory. */
const MAX_IN_FLIGHT = 10_000;
const REFUND_ATTEMPTS = 3;
const REFUND_RETRY_MS = 500;
/** How long creating waits for Redis, in milliseconds, so that the first calls already find it. */
const CONNECT_WITHIN_MS = 2_000;

/** Creates admission control, with Redis or without. */
export async function createAdmissionControl(options: AdmissionOptions): Promise<AdmissionControl> {
  const { prefix, timeoutMs, onStateChange, onConnectionError } = options;
  const redis = createRedisConnection({ ...options, onError: onConnectionError });
  const breaker = createBreaker({ timeoutMs, capacity: MAX_IN_FLIGHT, onStateChange });
  await waitUntilReady(redis, CONNECT_WITHIN_MS);
  const shared = createRedisAdmission(redis, prefix, breaker);
  return {
    ...decideBy(shared, createInMemoryAdmission(), options.onDecision ?? (() => {})),
    state: breaker.state,
    stats: breaker.stats,
    isConnected: () => redis.status === 'ready',
    [Symbol.dispose]() {
      breaker[Symbol.dispose]();
      redis.disconnect();
    },
  };
}

/**
 * What this process remembers has happened, so it refuses by that before it asks Redis. Nonces and failures that it has
 * seen still count when Redis is emptied, or comes back without what happened while it was away.
 */
function decideBy(
  shared: RedisAdmission,
  local: InMemoryAdmission,
  onDecision: OnDecision,
): Pick<AdmissionControl, 'admit' | 'refundGuess'> {
  return {
    async admit(request) {
      const now = localMicros();
      const refusal = local.refuse(request, now);
      if (refusal) {
        onDecision(refusal.outcome, refusal.limited?.name, 'memory');
        return { ...refusal, guesses: [] };
      }
      const guessed = request.caps.filter(({ isGuess }) => isGuess);
      for (const cap of guessed) local.recordFailure(cap, now);
      let sharedAt: Micros | undefined;
      let decision: Decision;
      try {
        const decided = await shared.admit(request);
        sharedAt = decided.at;
        decision = decided;
      } catch {
        decision = local.decide(request, localMicros());
      }
      const { outcome, limited, limits } = decision;
      onDecision(outcome, limited?.name, sharedAt === undefined ? 'process' : 'redis');
      if (outcome === 'admitted') {
        if (sharedAt !== undefined) local.remember(request.nonce, now);
        return { outcome, limited, limits, guesses: guessed.map((cap) => ({ cap, localAt: now, sharedAt })) };
      }
      for (const cap of guessed) local.refundGuess(cap, now);
      return { outcome, limited, limits, guesses: [] };
    },

    async refundGuess({ guesses }) {
      for (const { cap, localAt } of guesses) local.refundGuess(cap, localAt);
      await Promise.all(
        guesses.map(async ({ cap, sharedAt }) => {
          // Where Redis stays away the guess stays counted there: the caller has fewer left, not more. Where Redis was only
          // slow, as in a rush, callers that guessed nothing must not be capped for it, so it is tried again.
          for (let attempt = 0; sharedAt !== undefined && attempt < REFUND_ATTEMPTS; attempt++) {
            const isDone = await shared.refundGuess(cap, sharedAt).then(
              () => true,
              () => false,
            );
            if (isDone) return;
            await sleep(REFUND_RETRY_MS, undefined, { ref: false });
          }
        }),
      );
    },
  };
}

/** Now, by a clock that never steps back. */
function localMicros(): Micros {
  return Math.floor((performance.timeOrigin + performance.now()) * MICROS_PER_MS);
}
