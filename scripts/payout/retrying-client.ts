// Calls for one user that are made again while the server is away or asks to wait; every step of a payout may be.
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import type { Connection, Json } from '../../clients/typescript/src/grpc.ts';

/** Makes calls for one user. */
export interface Client {
  /** Throws a PpuriError when the answer is no, or when there is none for RETRY_FOR_MS. */
  call(rpc: string, request: Json, idempotencyKey?: string): Promise<Json>;
  /** The messages of a stream, which is begun again where it is cut off. Throws like `call`. */
  stream(rpc: string, request: Json): AsyncGenerator<Json>;
}

/** For how long a call is made again, in milliseconds. */
const RETRY_FOR_MS = 60_000;
const PAUSE_MS = 500;
const TIMEOUT_MS = 30_000;
/** Where the server did not get to say when to come again. */
const PASSING: readonly status[] = [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED];

/** Calls for a user. `onWait` is told, once, that the server went away. */
export function retryingClient(
  connection: Connection,
  userId: string,
  onWait: (line: string) => void,
): Client {
  let wasThere = false;
  let isAway = false;
  const answered = () => {
    wasThere = true;
    isAway = false;
  };
  /** Waits for the next attempt; throws where there is none. */
  const waitAfter = async (error: unknown, end: number) => {
    // A server that never answered is none, and is not waited for.
    const waitMs = wasThere || hasReason(error) ? pauseFor(error) : undefined;
    if (waitMs === undefined || Date.now() + waitMs > end) throw error;
    if (!isAway && !isLimit(error)) onWait('The server does not answer; trying again …');
    isAway = !isLimit(error);
    await sleep(waitMs);
  };
  return {
    async call(rpc, request, idempotencyKey) {
      for (const end = Date.now() + RETRY_FOR_MS; ; ) {
        try {
          const answer = await connection.call(rpc, request, { userId, idempotencyKey }, TIMEOUT_MS);
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
          // No stream is open for ever.
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

/** A large file asks for more than a user gets in a second: that is the pace, and no trouble. */
function isLimit(error: unknown): boolean {
  return error instanceof PpuriError && error.reason === 'RATE_LIMITED';
}

function pauseFor(error: unknown): number | undefined {
  if (!(error instanceof PpuriError)) return undefined;
  return error.retryAfterMs ?? (PASSING.includes(error.status) ? PAUSE_MS : undefined);
}
