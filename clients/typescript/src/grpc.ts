// Attempts over gRPC.
import {
  type ChannelCredentials,
  Client,
  type ClientOptions,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { nameOf } from './contracts.ts';
import { PpuriError } from './error.ts';
import type { Attempt, Sign, Transport } from './transport.ts';

/** Options of a channel of grpc-js. */
export interface GrpcOptions extends ClientOptions {
  /** Without them the connection is not encrypted; `credentials.createSsl()` of grpc-js uses TLS. */
  readonly credentials?: ChannelCredentials;
}

const DEFAULTS: ClientOptions = {
  // Retries are ours, because each attempt needs a signature of its own.
  'grpc.service_config_disable_resolution': 1,
  // As soon as a server is back. By default grpc-js waits for up to two minutes.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  // A connection that died without a sign is left after 15 s, while calls wait on it.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
};

/** Opens a channel to `host:port`, which connects with the first call. */
export function grpcTransport(address: string, sign: Sign, options: GrpcOptions): Transport {
  const { credentials: channelCredentials = credentials.createInsecure(), ...channelOptions } = options;
  const client = new Client(address, channelCredentials, { ...DEFAULTS, ...channelOptions });
  return {
    unary: (attempt) =>
      new Promise((resolve, reject) => {
        const { path, body, metadata, callOptions } = outgoing(attempt, sign);
        const { signal } = attempt;
        const cancel = () => call.cancel();
        const call = client.makeUnaryRequest(
          path,
          passThrough,
          passThrough,
          body,
          metadata,
          callOptions,
          (error, response) => {
            signal.removeEventListener('abort', cancel);
            if (error) reject(signal.aborted ? signal.reason : PpuriError.ofGrpc(error));
            else resolve(response ?? Buffer.alloc(0));
          },
        );
        signal.addEventListener('abort', cancel);
      }),
    async *stream(attempt) {
      const { path, body, metadata, callOptions } = outgoing(attempt, sign);
      const { signal } = attempt;
      const call = client.makeServerStreamRequest(
        path,
        passThrough,
        passThrough,
        body,
        metadata,
        callOptions,
      );
      const cancel = () => call.cancel();
      signal.addEventListener('abort', cancel);
      try {
        for await (const message of call) yield message as Buffer;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw isStatus(error) ? PpuriError.ofGrpc(error) : error;
      } finally {
        signal.removeEventListener('abort', cancel);
        call.cancel();
      }
    },
    close: () => client.close(),
  };
}

/** Signs an attempt. */
function outgoing({ rpc, body, identity, timeoutMs, signal }: Attempt, sign: Sign) {
  signal.throwIfAborted();
  const path = `/${nameOf(rpc)}`;
  const metadata = new Metadata();
  const headers = sign({ method: 'POST', target: path, body }, identity);
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return { path, body: Buffer.from(body), metadata, callOptions: { deadline: Date.now() + timeoutMs } };
}

const passThrough = (bytes: Buffer) => bytes;

function isStatus(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'metadata' in error;
}
