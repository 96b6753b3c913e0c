// Binds handlers to a generated service, each method behind the interceptors of its kind.
import type { MethodDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { asBytes, type Method } from './incoming.ts';
import type { Interceptor } from './interceptor.ts';
import { type StreamHandler, serverStream } from './server-stream.ts';
import { type UnaryHandler, unary } from './unary.ts';

/** A generated service: the paths of its methods, and how their messages are read and written. */
export type Service = Record<string, Pick<Method, 'path' | 'requestStream' | 'responseStream'>>;

/** How a generated service reads and writes one method's messages. */
interface Messages<Request, Response> {
  requestDeserialize(bytes: Buffer): Request;
  responseSerialize(response: Response): Buffer;
}

/** A handler for each method of a generated service: a request and who calls in, a response or a stream of them out. */
export type Handlers<S extends Service> = {
  readonly [M in keyof S]: S[M] extends Messages<infer Request, infer Response>
    ? S[M]['responseStream'] extends true
      ? StreamHandler<Request, Response>
      : UnaryHandler<Request, Response>
    : never;
};

/** What calls pass, by their kind: in their order, the outermost first. */
export interface InterceptorChains {
  readonly unary: readonly Interceptor[];
  /** For methods that answer with a stream. The way back through these is the stream's end. */
  readonly stream: readonly Interceptor[];
}

/** A service as grpc-js takes it; its messages cross as bytes, so that interceptors see what was received. */
export interface BoundService {
  readonly definition: Record<string, MethodDefinition<Buffer, Buffer>>;
  readonly implementation: UntypedServiceImplementation;
}

/** Binds handlers to a generated service, behind the interceptors. */
export function bind<S extends Service>(
  service: S,
  handlers: Handlers<S>,
  chains: InterceptorChains,
): BoundService {
  const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  const implementation: UntypedServiceImplementation = {};
  // Within the service's type every method has its own messages; here they meet as what they have in common.
  const methods = service as unknown as Record<string, Method>;
  for (const [name, method] of Object.entries(methods)) {
    definition[name] = asBytes(method);
    implementation[name] = method.responseStream
      ? serverStream(method, handlers[name] as unknown as StreamHandler<unknown, unknown>, chains.stream)
      : unary(method, handlers[name] as unknown as UnaryHandler<unknown, unknown>, chains.unary);
  }
  return { definition, implementation };
}
