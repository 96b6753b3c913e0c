// Calls for one user that retry while the server is down or asks to wait. Every step of a payout can be retried.
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { Connection, Json } from '../../clients/typescript/src/connection.ts';
import { PpuriError } from '../../clients/typescript/src/error.ts';

/** Makes calls for one user. */
export interface Client {
  /** Throws a PpuriError when the call is refused, or when there is no answer for RETRY_FOR_MS. */
  call(rpc: string, request: Json, idempotencyKey?: string): Promise<Json>;
  /** The messages of a stream, which is opened again when it breaks off. Throws like `call`. */
  stream(rpc: string, request: Json): AsyncGenerator<Json>;
}

/** How long a call is retried, in milliseconds. */
const RETRY_FOR_MS = 60_000;
const PAUSE_MS = 500;
const TIMEOUT_MS = 30_000;
/** Retried after PAUSE_MS when the answer has no RetryInfo. */
const RETRYABLE: readonly status[] = [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED];

/** Creates a client for a user. `onWait` gets one line when the server stops answering. */
export function retryingClient(
  connection: Connection,
  userId: string,
  onWait: (line: string) => void,
): Client {
  let hasAnswered = false;
  let isAway = false;
  const answered = () => {
    hasAnswered = true;
    isAway = false;
  };
  /** Waits for the next attempt, or throws the error when there is none. */
  const waitAfter = async (error: unknown, end: number) => {
    // Does not wait for a server that has never answered.
    const waitMs = hasAnswered || hasReason(error) ? pauseFor(error) : undefined;
    if (waitMs === undefined || Date.now() + waitMs > end) throw error;
    if (!isAway && !isLimit(error)) onWait('The server does not answer; trying again …');
    isAway = !isLimit(error);
    await sleep(waitMs);
  };
  return {
    async call(rpc, request, idempotencyKey) {
      for (const end = Date.now() + RETRY_FOR_MS; ; ) {
        try {
          const answer = await connection.call(
            rpc,
            request,
            { userId, idempotencyKey },
            { timeoutMs: TIMEOUT_MS },
          );
          answered();
          return answer;
        } catch (error) {
          await waitAfter(error, end);
        }
      }
    },

    async *stream(rpc, request) {
      for (let end = Date.now() + RETRY_FOR_MS; ; ) {
        try {
          for await (const message of connection.stream(rpc, request, { userId })) {
            answered();
            end = Date.now() + RETRY_FOR_MS;
            yield message;
          }
          return;
        } catch (error) {
          // The server ends every stream after ten minutes.
          if (!isDeadline(error)) await waitAfter(error, end);
        }
      }
    },
  };
}

function hasReason(error: unknown): boolean {
  return error instanceof PpuriError && error.reason !== '';
}

function isDeadline(error: unknown): boolean {
  return error instanceof PpuriError && error.status === status.DEADLINE_EXCEEDED;
}

/** Rate limits are expected with a large file, and no reason for a message. */
function isLimit(error: unknown): boolean {
  return error instanceof PpuriError && error.reason === 'RATE_LIMITED';
}

function pauseFor(error: unknown): number | undefined {
  if (!(error instanceof PpuriError)) return undefined;
  return error.retryAfterMs ?? (RETRYABLE.includes(error.status) ? PAUSE_MS : undefined);
}
