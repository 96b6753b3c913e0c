// Options of connections: message size, streams, keepalive, age and TLS.
import { ServerCredentials, type ServerOptions } from '@grpc/grpc-js';

/** The server's certificate and key in PEM, and the CA of client certificates; without the CA clients need none. */
export interface ServerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
}

/** The maximum duration of a stream, in milliseconds. No other call may last longer. */
export const MAX_STREAM_MS = 10 * 60_000;

/** The options of grpc-js for connections. */
export function connectionOptions(maxConnectionAgeMs: number): ServerOptions {
  return {
    'grpc.max_receive_message_length': 1024 * 1024,
    // 256 calls keep a process busy. Further calls of a client wait on its side and cost nothing here; the edge opens
    // another connection.
    'grpc.max_concurrent_streams': 256,
    // A peer that vanished is noticed after 60 + 20 s, not when TCP gives up.
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.max_connection_idle_ms': 30 * 60_000,
    // Clients have to reconnect now and then to find servers that were started later. Calls in flight may finish.
    'grpc.max_connection_age_ms': maxConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': MAX_STREAM_MS + 30_000,
  };
}

/** Plain text where `tls` is undefined. Throws when certificate and key don't match, or are not PEM. */
export function serverCredentials(tls: ServerTls | undefined): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const { cert, key, clientCa } = tls;
  const pair = { cert_chain: cert, private_key: key };
  return ServerCredentials.createSsl(clientCa ?? null, [pair], clientCa !== undefined);
}
