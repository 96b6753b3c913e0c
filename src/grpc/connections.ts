// What connections to the server must be like, and how long they last.
import { ServerCredentials, type ServerOptions } from '@grpc/grpc-js';

/** A certificate and its key in PEM, and whose certificates clients must show; anybody gets in without that. */
export interface ServerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
}

/** How long a stream is open at most, in milliseconds; nothing else takes longer. */
export const MAX_STREAM_MS = 10 * 60_000;

/** What grpc-js holds connections to. */
export function connectionOptions(maxConnectionAgeMs: number): ServerOptions {
  return {
    'grpc.max_receive_message_length': 1024 * 1024,
    // As many at a time as keep a process busy. What a client has above that waits on its side, and costs nothing here;
    // the edge opens another connection then.
    'grpc.max_concurrent_streams': 256,
    // A peer that vanished without a word is noticed after these two, not when TCP gives up.
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.max_connection_idle_ms': 30 * 60_000,
    // Clients that stay for ever would never find a server that was started after them. What is under way may finish.
    'grpc.max_connection_age_ms': maxConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': MAX_STREAM_MS + 30_000,
  };
}

/** Plain without TLS. Throws when certificate and key don't fit each other, or are none. */
export function serverCredentials(tls: ServerTls | undefined): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const { cert, key, clientCa } = tls;
  const pair = { cert_chain: cert, private_key: key };
  return ServerCredentials.createSsl(clientCa ?? null, [pair], clientCa !== undefined);
}
