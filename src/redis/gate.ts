// The gate that every call passes: nonce, limits and caps, in Redis where it answers, in this process where it doesn't.
import { setTimeout as sleep } from 'node:timers/promises';
import { MICROS_PER_MS, type Micros } from '../domain/time.ts';
import { type BreakerState, startBreaker } from '../resilience/index.ts';
import type { Admission, AdmissionRequest, Cap, Limited, Verdict } from './admission.ts';
import { type Shared, shareWith } from './admit.ts';
import { connectRedis, waitUntilReady } from './connect.ts';
import { type Local, startLocal } from './local.ts';

/** How to keep the gate. */
export interface GateOptions {
  readonly url: string;
  /** What every key in Redis begins with. */
  readonly prefix: string;
  /** So long Redis has to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Told when calls go on without Redis (`open`), when it is tried again, and when it is back (`closed`). */
  readonly onStateChange: (state: BreakerState, cause?: Error) => void;
  /** Told of every attempt to connect that fails. */
  readonly onConnectionError: (error: Error) => void;
  /** Told of every decision; it must not throw. */
  readonly onDecision?: OnDecision;
}

/**
 * An outcome, the limit or cap that refused, and who decided: Redis; this process by what it remembers, without asking
 * Redis (`memory`); or this process in the place of Redis, which did not answer (`process`).
 */
export type OnDecision = (
  outcome: Verdict['outcome'],
  limit: string | undefined,
  by: 'redis' | 'memory' | 'process',
) => void;

/** None of it ever throws: without Redis this process decides by what it knows itself. */
export interface Gate {
  /**
   * Whether a call may go on. In one step, and in one round trip to Redis: its nonce must be new, none of its caps
   * reached, and all of its limits are charged. A call that is refused is charged nowhere and its nonce stays unused.
   * A retry by the edge (same nonce, same edge request id) passes once more and is not charged again.
   */
  admit(request: AdmissionRequest): Promise<Admission>;
  /**
   * Counts a failure under all of the caps. When one of them is reached, it counts under none, and the answer says how
   * long to wait.
   */
  recordFailure(caps: readonly Cap[]): Promise<Limited | undefined>;
  /** Takes back the guesses that a call was counted for: it was right, or failed for another reason. */
  forgive(admission: Admission): Promise<void>;
  /** Closed while Redis answers. */
  state(): BreakerState;
  /** Whether there is a connection that commands can be sent over. */
  isConnected(): boolean;
  close(): void;
}

/** What a process has under way to Redis at most; more is decided here. */
const MAX_UNDER_WAY = 10_000;
const FORGIVE_TRIES = 3;
const FORGIVE_AGAIN_MS = 500;
/** How long opening waits for Redis, so that the first calls already find it. */
const CONNECT_WITHIN_MS = 2_000;

/** Opens the gate, with Redis or without. */
export async function openGate(options: GateOptions): Promise<Gate> {
  const { url, prefix, timeoutMs, onStateChange, onConnectionError } = options;
  const redis = connectRedis({ url, onError: onConnectionError });
  const breaker = startBreaker({ timeoutMs, capacity: MAX_UNDER_WAY, onStateChange });
  await waitUntilReady(redis, CONNECT_WITHIN_MS);
  return {
    ...gateOf(shareWith(redis, prefix, breaker), startLocal(), options.onDecision ?? (() => {})),
    state: breaker.state,
    isConnected: () => redis.status === 'ready',
    close() {
      breaker.close();
      redis.disconnect();
    },
  };
}

/**
 * What this process remembers is never more than is true, so it refuses by it before it asks Redis: who was noticed
 * stays noticed when Redis is emptied, or comes back and knows nothing of the time that it was away.
 */
function gateOf(
  shared: Shared,
  local: Local,
  onDecision: OnDecision,
): Pick<Gate, 'admit' | 'recordFailure' | 'forgive'> {
  return {
    async admit(request) {
      const now = localMicros();
      const refusal = local.refuse(request, now);
      if (refusal) {
        onDecision(refusal.outcome, refusal.limited?.name, 'memory');
        return { ...refusal, guesses: [] };
      }
      const guessed = request.caps.filter(({ isGuess }) => isGuess);
      for (const cap of guessed) local.count(cap, now);
      const verdict: Verdict & { readonly at?: Micros } = await shared
        .admit(request)
        .catch(() => local.decide(request, localMicros()));
      const { at: sharedAt, ...rest } = verdict;
      onDecision(rest.outcome, rest.limited?.name, sharedAt === undefined ? 'process' : 'redis');
      if (rest.outcome === 'admitted') {
        if (sharedAt !== undefined) local.remember(request.nonce, now);
        return { ...rest, guesses: guessed.map((cap) => ({ cap, localAt: now, sharedAt })) };
      }
      for (const cap of guessed) local.forgive(cap, now);
      return { ...rest, guesses: [] };
    },

    async recordFailure(caps) {
      const now = localMicros();
      const capped = local.capping(caps, now);
      if (capped) return capped;
      for (const cap of caps) local.count(cap, now);
      const limited = await shared.recordFailure(caps).catch(() => undefined);
      if (limited) for (const cap of caps) local.forgive(cap, now);
      return limited;
    },

    async forgive({ guesses }) {
      for (const { cap, localAt } of guesses) local.forgive(cap, localAt);
      await Promise.all(
        guesses.map(async ({ cap, sharedAt }) => {
          // Where Redis stays away the guess stays counted there: fewer are left, not more. Where it was only slow, as in a
          // rush, those who guessed nothing must not be capped for it.
          for (let tries = 0; sharedAt !== undefined && tries < FORGIVE_TRIES; tries++) {
            const isDone = await shared.forgive(cap, sharedAt).then(
              () => true,
              () => false,
            );
            if (isDone) return;
            await sleep(FORGIVE_AGAIN_MS, undefined, { ref: false });
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
