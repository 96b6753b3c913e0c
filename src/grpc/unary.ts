// Between grpc-js and a handler: bytes come in, pass the interceptors, and bytes or a status go out.
import { randomUUID } from 'node:crypto';
import {
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { Refusal } from '../domain/refusal.ts';
import type { Caller } from './caller.ts';
import { CONTRACTS, type RpcContract } from './contracts.ts';
import { languageOf, statusOf } from './error-status.ts';
import { chain, type IncomingCall, type Interceptor } from './interceptor.ts';

/** A generated service: the paths of its methods, and how their messages are read and written. */
type Service = Record<string, Pick<AnyMethod, 'path' | 'requestStream' | 'responseStream'>>;

/** How a generated service reads and writes one method's messages. */
interface Messages<Request, Response> {
  requestDeserialize(bytes: Buffer): Request;
  responseSerialize(response: Response): Buffer;
}

/** A handler for each method of a generated service: a request and who calls in, a response out. */
export type Handlers<S extends Service> = {
  readonly [M in keyof S]: S[M] extends Messages<infer Request, infer Response>
    ? (request: Request, caller: Caller) => Promise<Response>
    : never;
};

/** A service as grpc-js takes it; its messages cross as bytes, so that interceptors see what was received. */
export interface BoundService {
  readonly definition: Record<string, MethodDefinition<Buffer, Buffer>>;
  readonly implementation: UntypedServiceImplementation;
}

/** Binds handlers to a generated service, behind the interceptors. */
export function bind<S extends Service>(
  service: S,
  handlers: Handlers<S>,
  interceptors: readonly Interceptor[],
): BoundService {
  const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(service)) {
    const asIs = (bytes: Buffer) => bytes;
    definition[name] = {
      path: method.path,
      requestStream: method.requestStream,
      responseStream: method.responseStream,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    };
    // Within the service's type every method has its own messages; here they meet as what they have in common.
    const handler = handlers[name] as unknown as AnyHandler;
    implementation[name] = unary(method as unknown as AnyMethod, handler, interceptors);
  }
  return { definition, implementation };
}

type AnyHandler = (request: unknown, caller: Caller) => Promise<unknown>;
type AnyMethod = MethodDefinition<unknown, unknown>;

function unary(
  method: AnyMethod,
  handler: AnyHandler,
  interceptors: readonly Interceptor[],
): handleUnaryCall<Buffer, Buffer> {
  const contract = CONTRACTS.get(method.path);
  if (!contract) throw new Error(`gen/descriptor.binpb has no ${method.path}; run npm run gen`);
  const pass = chain(interceptors, async (call) => {
    if (!call.caller) throw new Error('no interceptor identified the caller');
    return method.responseSerialize(await handler(call.request(), call.caller));
  });
  return (received, callback) => {
    const call = incoming(method, contract, received);
    pass(call).then(
      (response) => {
        if (call.answerHeaders.size > 0) received.sendMetadata(withHeaders(new Metadata(), call));
        callback(null, response);
      },
      (error: unknown) => {
        const refusal = error instanceof Refusal ? error : new Refusal('INTERNAL');
        const status = statusOf(refusal, call.language, call.requestId);
        callback({ ...status, metadata: withHeaders(status.metadata, call) });
      },
    );
  };
}

function withHeaders(metadata: Metadata, { answerHeaders }: IncomingCall): Metadata {
  for (const [name, value] of answerHeaders) metadata.set(name, value);
  return metadata;
}

function incoming(
  method: AnyMethod,
  contract: RpcContract,
  received: ServerUnaryCall<Buffer, Buffer>,
): IncomingCall {
  const { request: bytes, metadata } = received;
  let read: unknown;
  const request = () => {
    try {
      read ??= method.requestDeserialize(bytes);
      return read;
    } catch {
      // What the parser says is about bytes, not about the caller's fields.
      throw new Refusal('MALFORMED_REQUEST');
    }
  };
  return {
    path: method.path,
    contract,
    metadata,
    peer: received.getPeer(),
    hasDeadline: received.getDeadline() !== Number.POSITIVE_INFINITY,
    requestId: requestIdOf(metadata),
    language: languageOf(metadata),
    bytes,
    request,
    canonicalBytes: () => method.requestSerialize(request()),
    answerHeaders: new Map(),
  };
}

/** The id that the edge or the caller gave to the request, or a new one; it goes into logs, so only a tame one is taken. */
function requestIdOf(metadata: Metadata): string {
  const [given] = metadata.get('x-request-id');
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
}
