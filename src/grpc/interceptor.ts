// What a call passes on its way to its handler.
import type { Metadata } from '@grpc/grpc-js';
import type { ApiKey } from '../domain/api-key.ts';
import type { Caller } from './caller.ts';
import type { RpcContract } from './contracts.ts';
import type { Language } from './error-status.ts';

/** Who signed a call, and from where. */
export interface Signer {
  readonly key: ApiKey;
  readonly nonce: string;
  /** `created` of the signature, in whole seconds since 1970. */
  readonly signedAt: number;
  readonly clientAddress: string;
  /** The edge's own id of the request; empty where no edge is between. */
  readonly edgeRequestId: string;
}

/** A call on its way. */
export interface IncomingCall {
  /** As on the wire: `/wallet.v1.WalletService/GetBalance`. */
  readonly path: string;
  readonly contract: RpcContract;
  readonly metadata: Metadata;
  readonly requestId: string;
  /** When it was received, by performance.now(). */
  readonly receivedAt: number;
  readonly language: Language;
  /** The request's bytes as they were received. */
  readonly bytes: Buffer;
  /** The request, read once, when somebody first asks for it. Refuses bytes that are not one plain encoding of it. */
  request(): unknown;
  /**
   * The same request as our own code writes it, written once: the same for the same request, however its client wrote it.
   * What is to be known of a request without reading it as `request()` is read from these.
   */
  canonicalBytes(): Uint8Array;
  /** `address:port` of the other end of the connection. */
  readonly peer: string;
  /** When nobody waits for the answer any more, in milliseconds since 1970; infinity where the caller named no end. */
  deadlineMs: number;
  /** Headers to send with the answer, be it yes or no. */
  readonly answerHeaders: Map<string, string>;
  /** Set once by the interceptor that authenticates the call. */
  signer?: Signer;
  /** Set once by the interceptor that identifies the caller. */
  caller?: Caller;
}

/**
 * One named step: it may refuse, or go on to the next one, and sees how the call ends. What the answer is, bytes or a
 * stream that has been sent, is none of its business, so the same steps serve both.
 */
export type Interceptor = <Answer>(call: IncomingCall, next: () => Promise<Answer>) => Promise<Answer>;

/** The steps in their order, the handler last. */
export function chain<Answer>(
  interceptors: readonly Interceptor[],
  handler: (call: IncomingCall) => Promise<Answer>,
): (call: IncomingCall) => Promise<Answer> {
  return interceptors.reduceRight<(call: IncomingCall) => Promise<Answer>>(
    (next, interceptor) => (call) => interceptor(call, () => next(call)),
    handler,
  );
}
