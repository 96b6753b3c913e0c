// Makes what grpc-js registers out of a generated service and its handlers: bytes pass the interceptors, then a handler.
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  type ServerWritableStream,
  type StatusObject,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { Refusal } from '../domain/refusal.ts';
import { CallContext, callerOf, type ServerCall } from './call-context.ts';
import type { Caller } from './caller.ts';
import { contractOf } from './contracts.ts';
import { statusOf } from './error-status.ts';
import { chain, type Interceptor, type InterceptorChains } from './interceptor.ts';

/** A method of a generated service, whatever its messages are. */
export type Method = MethodDefinition<unknown, unknown>;

/** A generated service: its methods by name. */
export type Service = Record<string, Pick<Method, 'path' | 'requestStream' | 'responseStream'>>;

/** Answers a request with a response. */
export type UnaryHandler<Request, Response> = (request: Request, caller: Caller) => Promise<Response>;

/**
 * Answers a request with a stream of responses. The server asks for the next response only once the one before has left,
 * so a slow reader gets the newest state and nothing piles up. `signal` is aborted as soon as the call is over; whatever
 * the handler waits for has to end then. `headers` of the response are sent before the first message. `lastEventId` is the
 * header of that name, the cursor of the last server-sent event that the caller has received.
 */
export type StreamHandler<Request, Response> = (
  request: Request,
  caller: Caller,
  signal: AbortSignal,
  headers: Map<string, string>,
  lastEventId: string | undefined,
) => AsyncIterable<Response>;

/** How a generated service decodes requests and encodes responses of one method. */
interface Codec<Request, Response> {
  requestDeserialize(bytes: Buffer): Request;
  responseSerialize(response: Response): Buffer;
}

/** A handler for each method of a generated service. */
export type Handlers<S extends Service> = {
  readonly [M in keyof S]: S[M] extends Codec<infer Request, infer Response>
    ? S[M]['responseStream'] extends true
      ? StreamHandler<Request, Response>
      : UnaryHandler<Request, Response>
    : never;
};

/** A service as grpc-js takes it. Its messages cross as bytes, so that interceptors see what was received. */
export interface ServiceImplementation {
  readonly methods: Record<string, MethodDefinition<Buffer, Buffer>>;
  readonly implementation: UntypedServiceImplementation;
}

/** Puts the handlers of a generated service behind the interceptors. */
export function implementService<S extends Service>(
  service: S,
  handlers: Handlers<S>,
  chains: InterceptorChains,
): ServiceImplementation {
  const methods: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  const implementation: UntypedServiceImplementation = {};
  // Each method has types of its own, which a loop over them cannot express.
  const anyMethods = service as unknown as Record<string, Method>;
  for (const [name, method] of Object.entries(anyMethods)) {
    methods[name] = withBytes(method);
    implementation[name] = method.responseStream
      ? handleServerStreaming(
          method,
          handlers[name] as unknown as StreamHandler<unknown, unknown>,
          chains.stream,
        )
      : handleUnary(method, handlers[name] as unknown as UnaryHandler<unknown, unknown>, chains.unary);
  }
  return { methods, implementation };
}

/** The paths of a generated service's methods: `/wallet.v1.WalletService/GetBalance`. */
export function pathsOf(service: Service): string[] {
  return Object.values(service).map(({ path }) => path);
}

/** The full name of a generated service: `wallet.v1.WalletService`. */
export function serviceName(service: Service): string {
  return pathsOf(service)[0]?.split('/')[1] ?? '';
}

function handleUnary(
  method: Method,
  handler: UnaryHandler<unknown, unknown>,
  interceptors: readonly Interceptor[],
): handleUnaryCall<Buffer, Buffer> {
  const contract = contractOf(method);
  const run = chain(interceptors, async (call) =>
    method.responseSerialize(await handler(call.request(), callerOf(call))),
  );
  return (serverCall, callback) => {
    const call = new CallContext(method, contract, serverCall);
    run(call).then(
      (response) => {
        sendHeaders(serverCall, call);
        callback(null, response);
      },
      (error: unknown) => callback(statusFor(error, call)),
    );
  };
}

const CANCELLED = new Refusal('CANCELLED');

/** The stream is one call for the interceptors: `next` settles when it ends, before its first message or after many. */
function handleServerStreaming(
  method: Method,
  handler: StreamHandler<unknown, unknown>,
  interceptors: readonly Interceptor[],
): handleServerStreamingCall<Buffer, Buffer> {
  const contract = contractOf(method);
  return (stream) => {
    const call = new CallContext(method, contract, stream);
    const over = new AbortController();
    // grpc-js emits 'cancelled' for every call that is over: ended by its client, its deadline or a server that stops.
    stream.once('cancelled', () => over.abort(CANCELLED));
    const run = chain(interceptors, async () => {
      const { responseHeaders, metadata } = call;
      const lastEventId = readLastEventId(metadata);
      const responses = handler(call.request(), callerOf(call), over.signal, responseHeaders, lastEventId);
      const send = sender(stream, over.signal);
      let isFirst = true;
      for await (const response of responses) {
        // Not earlier: a refusal before the first message carries the headers itself.
        if (isFirst) sendHeaders(stream, call);
        isFirst = false;
        await send(method.responseSerialize(response));
      }
    });
    run(call)
      .then(
        () => stream.end(),
        (error: unknown) => stream.emit('error', statusFor(error, call)),
      )
      // An interceptor may have ended the call while the handler goes on.
      .finally(() => over.abort(CANCELLED));
  };
}

/** The header that names the last server-sent event; undefined where there is none. One that is sent twice names nothing. */
function readLastEventId(metadata: Metadata): string | undefined {
  const values = metadata.get('last-event-id');
  return values.length === 0 || values[0] === '' ? undefined : values.join();
}

/**
 * Sends the messages of a stream one after the other: resolves when one has left for the network, which waits for a slow reader;
 * rejects when the call is over. It listens to the signal once for all of them.
 */
function sender(
  stream: ServerWritableStream<Buffer, Buffer>,
  signal: AbortSignal,
): (message: Buffer) => Promise<void> {
  let giveUp = (_reason: unknown) => {};
  signal.addEventListener('abort', () => giveUp(signal.reason), { once: true });
  return (message) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      giveUp = reject;
      stream.write(message, () => resolve());
    });
}

/** The method with its messages as bytes, for grpc-js. */
function withBytes({ path, requestStream, responseStream }: Method): MethodDefinition<Buffer, Buffer> {
  const asIs = (bytes: Buffer) => bytes;
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

/** Sends the headers of the response, if there are any; to be called before its first message. */
function sendHeaders(serverCall: ServerCall, call: CallContext): void {
  if (call.responseHeaders.size > 0) serverCall.sendMetadata(withHeaders(new Metadata(), call));
}

/** The status of a call that failed, with the headers of the response. */
function statusFor(error: unknown, call: CallContext): StatusObject {
  const refusal = error instanceof Refusal ? error : new Refusal('INTERNAL');
  const status = statusOf(refusal, call.language, call.requestId);
  return { ...status, metadata: withHeaders(status.metadata, call) };
}

function withHeaders(metadata: Metadata, { responseHeaders }: CallContext): Metadata {
  for (const [name, value] of responseHeaders) metadata.set(name, value);
  return metadata;
}
