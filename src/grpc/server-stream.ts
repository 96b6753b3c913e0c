// Between grpc-js and a handler of a stream of answers: the same way in as for one answer, and one message out after the other.
import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import { Refusal } from '../domain/refusal.ts';
import type { Caller } from './caller.ts';
import { callerOf, contractOf, incoming, type Method, sendHeaders, statusFor } from './incoming.ts';
import { chain, type Interceptor } from './interceptor.ts';

/**
 * Answers a request with responses, each of which is asked for once the one before has left: a handler that shows a
 * state shows a slow reader the newest one, and nothing piles up. `isOver` is aborted as soon as nobody listens any more;
 * whatever the handler waits for has to end then.
 */
export type StreamHandler<Request, Response> = (
  request: Request,
  caller: Caller,
  isOver: AbortSignal,
) => AsyncIterable<Response>;

const CANCELLED = new Refusal('CANCELLED');

/** The stream is one call for the interceptors: they see how it ends, whether before its first message or after many. */
export function serverStream(
  method: Method,
  handler: StreamHandler<unknown, unknown>,
  interceptors: readonly Interceptor[],
): handleServerStreamingCall<Buffer, Buffer> {
  const contract = contractOf(method);
  return (received) => {
    const call = incoming(method, contract, received);
    const over = new AbortController();
    // Said of every call that is over, however it ended: by its client, its deadline, or a server that stops.
    received.once('cancelled', () => over.abort(CANCELLED));
    const pass = chain(interceptors, async () => {
      for await (const response of handler(call.request(), callerOf(call), over.signal)) {
        // Only now, so that a no without a message before it is told like that of any other call; grpc-js does it once.
        sendHeaders(received, call);
        await send(received, method.responseSerialize(response), over.signal);
      }
    });
    pass(call)
      .then(
        () => received.end(),
        (error: unknown) => received.emit('error', statusFor(error, call)),
      )
      // An interceptor may have ended it while the handler goes on.
      .finally(() => over.abort(CANCELLED));
  };
}

/** Resolves when a message has left for the network, and not while its reader keeps it waiting; rejects when it is over. */
function send(
  stream: ServerWritableStream<Buffer, Buffer>,
  message: Buffer,
  isOver: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    isOver.throwIfAborted();
    const giveUp = () => reject(isOver.reason);
    isOver.addEventListener('abort', giveUp, { once: true });
    stream.write(message, () => {
      isOver.removeEventListener('abort', giveUp);
      resolve();
    });
  });
}
