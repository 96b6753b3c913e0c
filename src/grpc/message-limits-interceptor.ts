// Refuses compressed and oversized messages before they are inflated or kept.
import { Metadata, type ServerInterceptor } from '@grpc/grpc-js';
import { Refusal } from '../domain/refusal.ts';
import { CONTRACTS } from './contracts.ts';
import { statusOf } from './error-status.ts';

/** What grpc-js keeps to itself of a call. test/grpc/message-limits.test.ts notices when an update moves it. */
interface Inside {
  readonly incomingEncoding: string;
  readonly decoder: { maxReadMessageLength: number };
}

/** How long a message may be that is for none of our own services: health checks, reflection. */
const OTHER_BYTES = 16 * 1024;
const COMPRESSED = new Refusal('COMPRESSION_NOT_SUPPORTED');

/**
 * Refuses COMPRESSION_NOT_SUPPORTED where a call says that its messages are compressed: grpc-js would inflate a kilobyte
 * to a megabyte before anybody looks at who sent it, and no request is worth compressing. A message that is longer than
 * its contract can need is refused by grpc-js as soon as it says its length.
 */
export const messageLimitsInterceptor: ServerInterceptor = ({ path }, call) => {
  const inside = call as unknown as Inside;
  if (
    typeof inside.decoder?.maxReadMessageLength !== 'number' ||
    typeof inside.incomingEncoding !== 'string'
  ) {
    throw new Error('this version of grpc-js keeps its decoder elsewhere');
  }
  inside.decoder.maxReadMessageLength = CONTRACTS.get(path)?.maxBytes ?? OTHER_BYTES;
  const start = call.start.bind(call);
  const sendMetadata = call.sendMetadata.bind(call);
  call.start = (listener) => {
    const { onReceiveMetadata } = listener;
    listener.onReceiveMetadata = (metadata) => {
      if (inside.incomingEncoding === 'identity') onReceiveMetadata.call(listener, metadata);
      else call.sendStatus(refusal());
    };
    start(listener);
  };
  call.sendMetadata = (metadata) => {
    // grpc-js would say gzip and deflate, and clients go by it.
    metadata.set('grpc-accept-encoding', 'identity');
    sendMetadata(metadata);
  };
  return call as ReturnType<ServerInterceptor>;
};

/** With the encodings that are taken, as the protocol demands of this answer (gRPC, 'Compression', case 'UNIMPLEMENTED'). */
function refusal() {
  const status = statusOf(COMPRESSED, 'en', '');
  const metadata = status.metadata ?? new Metadata();
  metadata.set('grpc-accept-encoding', 'identity');
  return { ...status, metadata };
}
