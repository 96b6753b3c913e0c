// When a call is made again, and when not: once for gRPC and REST, single answers and streams.
//
// An attempt is repeated when its answer says that another one may get further, and only where a second attempt has the
// effect of one. The pause is exponential with full jitter, at least as long as the answer asks for. A budget for all
// calls of a connection (gRFC A6, retryThrottling) ends retries where most attempts get no answer, so that a server in
// trouble gets no more calls than usual. Limits say themselves when to come again, and take nothing from it.
import { status } from '@grpc/grpc-js';
import { PpuriError } from './error.ts';

/** How retries are made. */
export interface RetryOptions {
  /** The longest pause before the second attempt, in milliseconds; it doubles with each further one. 100 by default. */
  readonly initialBackoffMs?: number | undefined;
  /** The longest pause before any attempt, in milliseconds, besides what an answer asks for. 5,000 by default. */
  readonly maxBackoffMs?: number | undefined;
  /** The size of the budget: an attempt without an answer takes a token, and retries stop at the half. 100 by default. */
  readonly maxTokens?: number | undefined;
  /** What an answer that is OK gives back to the budget, in tokens. 0.1 by default. */
  readonly tokenRatio?: number | undefined;
  /** Called before each pause with the error of the attempt and the pause in milliseconds. */
  readonly onRetry?: ((error: PpuriError, pauseMs: number) => void) | undefined;
}

/** Time and chance, which tests replace. */
export interface Clock {
  /** In milliseconds, from any beginning. */
  now(): number;
  /** Resolves after so many milliseconds; rejects when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>;
  /** From 0 to 1. */
  random(): number;
}

/** What one call may do. */
export interface AttemptsOptions {
  /** Whether there may be a second attempt: whether it has the effect of one. */
  readonly isRepeatable: boolean;
  /** How long all attempts together may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How long after the first failure another attempt may begin, in milliseconds; a success ends the outage. */
  readonly outageMs?: number;
  readonly signal: AbortSignal | undefined;
}

/** The attempts of one call. */
export interface Attempts {
  /** What is left of the call's time, in milliseconds. */
  timeLeftMs(): number;
  /** Notes an answer, or a message of a stream. */
  succeeded(): void;
  /** Waits until the next attempt. Throws the error instead when there is to be none. */
  failed(error: unknown): Promise<void>;
}

/** Begins calls that share a budget. */
export type BeginAttempts = (options: AttemptsOptions) => Attempts;

/** Creates the retries of a connection. */
export function createRetries(options: RetryOptions = {}, clock: Clock = SYSTEM_CLOCK): BeginAttempts {
  const {
    initialBackoffMs = 100,
    maxBackoffMs = 5_000,
    maxTokens = 100,
    tokenRatio = 0.1,
    onRetry,
  } = options;
  let tokens = maxTokens;
  return ({ isRepeatable, timeoutMs, outageMs = timeoutMs, signal }) => {
    const end = clock.now() + timeoutMs;
    let failures = 0;
    let outageEnd = Number.POSITIVE_INFINITY;
    return {
      timeLeftMs: () => Math.max(0, end - clock.now()),
      succeeded: () => {
        tokens = Math.min(maxTokens, tokens + tokenRatio);
        failures = 0;
      },
      failed: async (error) => {
        if (signal?.aborted || !(error instanceof PpuriError) || !isTransient(error, failures)) throw error;
        if (error.status !== status.RESOURCE_EXHAUSTED) tokens = Math.max(0, tokens - 1);
        if (!isRepeatable || tokens <= maxTokens / 2) throw error;
        if (failures === 0) outageEnd = clock.now() + outageMs;
        const backoffMs = clock.random() * Math.min(maxBackoffMs, initialBackoffMs * 2 ** failures);
        failures += 1;
        const pauseMs = (error.retryAfterMs ?? 0) + backoffMs;
        if (clock.now() + pauseMs >= Math.min(end, outageEnd)) throw error;
        onRetry?.(error, pauseMs);
        await clock.sleep(pauseMs, signal);
      },
    };
  };
}

/** Whether another attempt may get further, by the answer to the one before and how many failed before that. */
function isTransient({ status: code, reason, retryAfterMs, message }: PpuriError, failures: number): boolean {
  switch (code) {
    case status.UNAVAILABLE:
    // The end of an attempt; where it is the end of the call, there is no time left.
    case status.DEADLINE_EXCEEDED:
      return true;
    case status.RESOURCE_EXHAUSTED:
      // A limit of time says when it ends; one of size never does.
      return retryAfterMs !== undefined;
    case status.ABORTED:
      // Superseded by an earlier attempt of this call, whose refusal was lost, or by something that the caller has to
      // know of: another program was told that nothing was posted under this key.
      return reason === 'CONFLICT' || (reason === 'ATTEMPT_SUPERSEDED' && failures > 0);
    case status.UNAUTHENTICATED:
      // Something in between sent the attempt twice: the first may have been done, and another one gets its answer.
      return reason === 'NONCE_REUSED';
    case status.CANCELLED:
      // Not by this client's caller, who is not answered any more.
      return true;
    case status.INTERNAL:
      return reason === '' && message.includes('RST_STREAM');
    default:
      return false;
  }
}

const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  random: Math.random,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        if (signal?.aborted) reject(signal.reason);
        else resolve();
      };
      const timer = setTimeout(wake, ms);
      signal?.addEventListener('abort', wake);
    }),
};
