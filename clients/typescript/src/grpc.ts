// Calls over gRPC, by the RPC's name and with messages in JSON.
import { type DescMethod, fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import {
  type ChannelCredentials,
  Client,
  type ClientOptions,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { RPCS, registry } from './contracts.ts';
import { PpuriError } from './error.ts';
import type { Identity } from './headers.ts';
import { signedHeaders } from './headers.ts';
import type { SigningKey } from './signature.ts';

/** A message in JSON (ProtoJSON): names in snake_case, integers of 64 bits as strings. */
export type Json = { [name: string]: JsonValue };

/** A connection to a server. */
export interface Connection {
  /**
   * Calls an RPC by its full name, `wallet.v1.WalletService/GetBalance`. Throws a PpuriError when the answer is not OK,
   * and a TypeError when there is no such RPC or the request is not one of its messages. The timeout is in
   * milliseconds; 10 s by default.
   */
  call(rpc: string, request: JsonValue, identity: Identity, timeoutMs?: number): Promise<Json>;
  /**
   * Calls an RPC that answers with a stream, `wallet.v2.PayoutService/WatchPayout`, and yields its messages. Leaving the
   * loop cancels the call. Throws as `call` does, also after some messages. The server ends a stream after ten minutes.
   */
  stream(rpc: string, request: JsonValue, identity: Identity, timeoutMs?: number): AsyncGenerator<Json>;
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** How to connect: the channel options of grpc-js, and its credentials. */
export interface ConnectOptions extends ClientOptions {
  /** Without them the connection is not encrypted; `credentials.createSsl()` of grpc-js uses TLS. */
  readonly credentials?: ChannelCredentials;
}

/** Opens a connection to `host:port`, which connects with the first call. Calls are signed if a key is given. */
export function connect(
  address: string,
  key?: SigningKey,
  { credentials: channelCredentials = credentials.createInsecure(), ...options }: ConnectOptions = {},
): Connection {
  const client = new Client(address, channelCredentials, options);
  /** Serializes and signs one attempt. */
  const outgoing = (rpc: string, request: JsonValue, identity: Identity, kind: DescMethod['methodKind']) => {
    const method = RPCS.get(rpc);
    if (method?.methodKind !== kind) throw new TypeError(`there is no ${kind} RPC ${rpc}`);
    const bytes = Buffer.from(toBinary(method.input, readRequest(method, request)));
    const path = `/${method.parent.typeName}/${method.name}`;
    const metadata = new Metadata();
    const headers = signedHeaders({ method: 'POST', target: path, body: bytes }, identity, key);
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const read = (answer: Buffer) =>
      toJson(method.output, fromBinary(method.output, answer), JSON_OPTIONS) as Json;
    return { path, bytes, metadata, read };
  };
  return {
    call: async (rpc, request, identity, timeoutMs = DEFAULT_TIMEOUT_MS) => {
      const { path, bytes, metadata, read } = outgoing(rpc, request, identity, 'unary');
      const answer = await new Promise<Buffer>((resolve, reject) => {
        const deadline = Date.now() + timeoutMs;
        client.makeUnaryRequest(
          path,
          passThrough,
          passThrough,
          bytes,
          metadata,
          { deadline },
          (error, response) => {
            if (error) reject(new PpuriError(error));
            else resolve(response ?? Buffer.alloc(0));
          },
        );
      });
      return read(answer);
    },
    async *stream(rpc, request, identity, timeoutMs = Number.POSITIVE_INFINITY) {
      const { path, bytes, metadata, read } = outgoing(rpc, request, identity, 'server_streaming');
      const deadline = Date.now() + timeoutMs;
      const answers = client.makeServerStreamRequest(path, passThrough, passThrough, bytes, metadata, {
        deadline,
      });
      try {
        for await (const answer of answers) yield read(answer as Buffer);
      } catch (error) {
        throw isStatus(error) ? new PpuriError(error) : error;
      } finally {
        answers.cancel();
      }
    },
    close: () => client.close(),
  };
}

const JSON_OPTIONS = { registry, useProtoFieldName: true, alwaysEmitImplicit: true };

const passThrough = (bytes: Buffer) => bytes;

function isStatus(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'metadata' in error;
}

function readRequest({ input }: DescMethod, request: JsonValue) {
  try {
    return fromJson(input, request, { registry });
  } catch (error) {
    throw new TypeError(`the request does not fit ${input.typeName}: ${(error as Error).message}`);
  }
}
