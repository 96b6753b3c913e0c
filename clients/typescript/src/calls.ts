// The attempts of a call: each with a time and a signature of its own, all under one idempotency key.
import { randomUUID } from 'node:crypto';
import type { DescMethod } from '@bufbuild/protobuf';
import { hasCursor, isFile, isRepeatable, needsIdempotencyKey, RPCS } from './contracts.ts';
import { PpuriError } from './error.ts';
import type { Identity } from './headers.ts';
import { requestBehind } from './messages.ts';
import type { BeginAttempts } from './retry.ts';
import { cancelledBy, startTimer } from './timer.ts';
import type { Transport } from './transport.ts';

/** How one call is made. */
export interface CallOptions {
  /**
   * How long all attempts together may take, in milliseconds: 30,000 by default, 10,000 without retries, and for a
   * stream without end.
   */
  readonly timeoutMs?: number | undefined;
  /** How long one attempt may take, for a stream its longest silence, in milliseconds: 10,000 and 45,000 by default. */
  readonly attemptTimeoutMs?: number | undefined;
  /** Cancels the call. What became of a call that moves money is then not known: its idempotency key finds it out. */
  readonly signal?: AbortSignal | undefined;
  /** With false there is one attempt only, which may take all of the time. As the connection says by default. */
  readonly retry?: boolean | undefined;
}

/** Calls of serialized messages, by the RPC's full name. */
export interface SerializedCalls {
  unary(rpc: string, body: Uint8Array, identity: Identity, options: CallOptions): Promise<Uint8Array>;
  stream(rpc: string, body: Uint8Array, identity: Identity, options: CallOptions): AsyncGenerator<Uint8Array>;
}

const TIMEOUT_MS = 30_000;
const ATTEMPT_MS = 10_000;
/** The server sends something at least every 30 s. */
const SILENCE_MS = 45_000;
/** How long a stream is opened again after it broke off, in milliseconds. */
const OUTAGE_MS = 60_000;

/** Makes calls over a transport, with retries where neither the connection nor the call is without them. */
export function createCalls(
  transport: Transport,
  begin: BeginAttempts,
  isRetrying: boolean,
): SerializedCalls {
  return {
    async unary(rpc, body, identity, options) {
      const { retry = isRetrying, signal } = options;
      const { timeoutMs = retry ? TIMEOUT_MS : ATTEMPT_MS } = options;
      const { attemptTimeoutMs = retry ? ATTEMPT_MS : timeoutMs } = options;
      const method = findRpc(rpc, 'unary');
      const who = withKey(method, identity);
      const attempts = begin({ isRepeatable: retry && isRepeatable(method), timeoutMs, signal });
      for (;;) {
        const attemptMs = Math.min(attemptTimeoutMs, attempts.timeLeftMs());
        const timer = startTimer(attemptMs, signal);
        try {
          const attempt = { rpc: method, body, identity: who, timeoutMs: attemptMs, signal: timer.signal };
          const answer = await transport.unary(attempt);
          attempts.succeeded();
          return answer;
        } catch (error) {
          timer.stop();
          await attempts.failed(error).catch(rethrowOf(who, signal));
        } finally {
          timer.stop();
        }
      }
    },
    async *stream(rpc, body, identity, options) {
      const {
        timeoutMs = Number.POSITIVE_INFINITY,
        attemptTimeoutMs = SILENCE_MS,
        retry = isRetrying,
        signal,
      } = options;
      const method = findRpc(rpc, 'server_streaming');
      const who = withKey(method, identity);
      // A file that is begun again would be there twice.
      const hasStates = !isFile(method);
      const isRepeated = retry && isRepeatable(method);
      let last: Uint8Array | undefined;
      const attempts = begin({ isRepeatable: isRepeated, timeoutMs, outageMs: OUTAGE_MS, signal });
      for (;;) {
        const timeLeftMs = attempts.timeLeftMs();
        const timer = startTimer(Math.min(attemptTimeoutMs, timeLeftMs), signal);
        try {
          const following = last && hasCursor(method) ? requestBehind(method, body, last) : body;
          const { signal: ends } = timer;
          const attempt = {
            rpc: method,
            body: following,
            identity: who,
            timeoutMs: timeLeftMs,
            signal: ends,
          };
          for await (const message of transport.stream(attempt)) {
            attempts.succeeded();
            // A stream that is opened again begins with the state that it had, and without a change repeats it.
            const isRepeated = hasStates && last !== undefined && Buffer.compare(last, message) === 0;
            last = message;
            // The reader may take as long as it likes.
            timer.pause();
            if (!isRepeated) yield message;
            timer.restart(Math.min(attemptTimeoutMs, attempts.timeLeftMs()));
          }
          return;
        } catch (error) {
          timer.stop();
          if (!hasStates && last !== undefined) rethrowOf(who, signal)(error);
          await attempts.failed(error).catch(rethrowOf(who, signal));
        } finally {
          timer.stop();
        }
      }
    },
  };
}

/** The RPC of a name. Throws a TypeError when there is none of this kind. */
export function findRpc(rpc: string, kind: DescMethod['methodKind']): DescMethod {
  const method = RPCS.get(rpc);
  if (method?.methodKind !== kind) throw new TypeError(`there is no ${kind} RPC ${rpc}`);
  return method;
}

function withKey(method: DescMethod, identity: Identity): Identity {
  if (identity.idempotencyKey !== undefined || !needsIdempotencyKey(method)) return identity;
  return { ...identity, idempotencyKey: randomUUID() };
}

/** Throws the error that ends a call, with the idempotency key by which its outcome can be found out. */
function rethrowOf({ idempotencyKey }: Identity, signal: AbortSignal | undefined) {
  return (error: unknown): never => {
    const last = signal?.aborted && !(error instanceof PpuriError) ? cancelledBy(signal) : error;
    if (last instanceof PpuriError) last.idempotencyKey = idempotencyKey;
    throw last;
  };
}
