// Bounds each message by what its contract can need.
import type { ServerInterceptor } from '@grpc/grpc-js';
import { CONTRACTS } from './contracts.ts';

/** What grpc-js keeps to itself of a call. test/grpc/message-limits.test.ts notices when an update moves it. */
interface Inside {
  readonly decoder: { maxReadMessageLength: number };
}

/** How long a message may be that is for none of our own services: health checks, reflection. */
const OTHER_BYTES = 16 * 1024;

/**
 * A message that is longer than its contract can need is refused by grpc-js as soon as it says its length. That none is
 * compressed was seen before (`refuseEarly`).
 */
export const messageLimitsInterceptor: ServerInterceptor = ({ path }, call) => {
  const inside = call as unknown as Inside;
  if (typeof inside.decoder?.maxReadMessageLength !== 'number') {
    throw new Error('this version of grpc-js keeps its decoder elsewhere');
  }
  inside.decoder.maxReadMessageLength = CONTRACTS.get(path)?.maxBytes ?? OTHER_BYTES;
  const sendMetadata = call.sendMetadata.bind(call);
  call.sendMetadata = (metadata) => {
    // grpc-js would say gzip and deflate, and clients go by it.
    metadata.set('grpc-accept-encoding', 'identity');
    sendMetadata(metadata);
  };
  return call as ReturnType<ServerInterceptor>;
};
