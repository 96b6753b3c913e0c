// What a call passes on its way to its handler.
import type { Metadata } from '@grpc/grpc-js';
import type { Caller } from './caller.ts';
import type { RpcContract } from './contracts.ts';
import type { Language } from './error-status.ts';

/** A call on its way. */
export interface IncomingCall {
  /** As on the wire: `/wallet.v1.WalletService/GetBalance`. */
  readonly path: string;
  readonly contract: RpcContract;
  readonly metadata: Metadata;
  readonly requestId: string;
  readonly language: Language;
  /** The request's bytes as they were received. */
  readonly bytes: Buffer;
  /** The request as our own code writes it: the same for the same request, however its client wrote it. */
  canonicalBytes(): Uint8Array;
  /** Set once by the interceptor that identifies the caller. */
  caller?: Caller;
}

/** One named step: it may refuse, or go on to the next one, and sees what comes back. */
export type Interceptor = (call: IncomingCall, next: () => Promise<Buffer>) => Promise<Buffer>;

/** The steps in their order, the handler last. */
export function chain(
  interceptors: readonly Interceptor[],
  handler: (call: IncomingCall) => Promise<Buffer>,
): (call: IncomingCall) => Promise<Buffer> {
  return interceptors.reduceRight<(call: IncomingCall) => Promise<Buffer>>(
    (next, interceptor) => (call) => interceptor(call, () => next(call)),
    handler,
  );
}
