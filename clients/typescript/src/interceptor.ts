// Signs the calls of the typed clients, which ts-proto makes for grpc-js.
import { InterceptingCall, type Interceptor, Metadata } from '@grpc/grpc-js';
import { headersOf, type Identity, signedHeaders } from './headers.ts';
import type { SigningKey } from './signature.ts';

/** The metadata of a call of a typed client: who it acts for. */
export function metadataOf(identity: Identity): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headersOf(identity))) metadata.set(name, value);
  return metadata;
}

/**
 * An interceptor of grpc-js that signs every unary and server-streaming call, by the metadata that the call carries:
 * `new v2Transfer.TransferServiceClient(address, credentials, { interceptors: [signingInterceptor(key)] })`.
 */
export function signingInterceptor(key: SigningKey): Interceptor {
  return (options, nextCall) => {
    const { path, requestSerialize } = options.method_definition;
    let begin: ((message: unknown) => void) | undefined;
    return new InterceptingCall(nextCall(options), {
      // A signature covers the message, so the call starts when that is known. ts-proto writes a message alike each time.
      start: (metadata, listener, next) => {
        begin = (message) => {
          const text = (name: string) => metadata.get(name)[0]?.toString();
          const identity = {
            userId: text('x-user-id'),
            roomId: text('x-room-id'),
            idempotencyKey: text('idempotency-key'),
          };
          const request = { method: 'POST', target: path, body: requestSerialize(message) };
          for (const [name, value] of Object.entries(signedHeaders(request, identity, key)))
            metadata.set(name, value);
          next(metadata, listener);
        };
      },
      sendMessage: (message, next) => {
        begin?.(message);
        next(message);
      },
    });
  };
}
