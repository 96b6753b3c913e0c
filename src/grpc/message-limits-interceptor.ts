// Limits the length of each message to what its contract allows.
import type { ServerInterceptor } from '@grpc/grpc-js';
import { CONTRACTS } from './contracts.ts';

/** Private fields of a call of grpc-js. test/grpc/message-limits.test.ts fails when an update moves them. */
interface CallInternals {
  readonly decoder: { maxReadMessageLength: number };
}

/** The maximum length of messages of other services, in bytes: health checks, reflection. */
const OTHER_BYTES = 16 * 1024;

/**
 * grpc-js refuses a message that is too long as soon as it has read its length prefix. Compressed messages have been refused
 * before (`refuseEarly`).
 */
export const messageLimitsInterceptor: ServerInterceptor = ({ path }, call) => {
  const internals = call as unknown as CallInternals;
  if (typeof internals.decoder?.maxReadMessageLength !== 'number') {
    throw new Error('this version of grpc-js keeps its decoder elsewhere');
  }
  internals.decoder.maxReadMessageLength = CONTRACTS.get(path)?.maxBytes ?? OTHER_BYTES;
  const sendMetadata = call.sendMetadata.bind(call);
  call.sendMetadata = (metadata) => {
    // grpc-js would announce gzip and deflate, and clients would use them.
    metadata.set('grpc-accept-encoding', 'identity');
    sendMetadata(metadata);
  };
  return call as ReturnType<ServerInterceptor>;
};
