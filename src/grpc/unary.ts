// Between grpc-js and a handler of one answer: bytes come in, pass the interceptors, and bytes or a status go out.
import type { handleUnaryCall } from '@grpc/grpc-js';
import type { Caller } from './caller.ts';
import { callerOf, contractOf, incoming, type Method, sendHeaders, statusFor } from './incoming.ts';
import { chain, type Interceptor } from './interceptor.ts';

/** Answers a request with a response. */
export type UnaryHandler<Request, Response> = (request: Request, caller: Caller) => Promise<Response>;

export function unary(
  method: Method,
  handler: UnaryHandler<unknown, unknown>,
  interceptors: readonly Interceptor[],
): handleUnaryCall<Buffer, Buffer> {
  const contract = contractOf(method);
  const pass = chain(interceptors, async (call) =>
    method.responseSerialize(await handler(call.request(), callerOf(call))),
  );
  return (received, callback) => {
    const call = incoming(method, contract, received);
    pass(call).then(
      (response) => {
        sendHeaders(received, call);
        callback(null, response);
      },
      (error: unknown) => callback(statusFor(error, call)),
    );
  };
}
