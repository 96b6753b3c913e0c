// Calls over gRPC, by name and in JSON.
import { type DescMethod, fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { Client, type ClientOptions, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { SigningKey } from '../signatures/index.ts';
import { RPCS, registry } from './contracts.ts';
import { PpuriError } from './error.ts';
import type { Identity } from './identity.ts';
import { signedHeaders } from './signer.ts';

/** JSON as the contracts print it: names in snake_case, 64-bit numbers as text. */
export type Json = { [name: string]: JsonValue };

/** A connection to a server. */
export interface Connection {
  /**
   * Calls an RPC by its full name, `wallet.v1.WalletService/GetBalance`. Throws a PpuriError when it is not answered OK,
   * and a TypeError when there is no such RPC or the request does not fit its message.
   */
  call(rpc: string, request: JsonValue, identity: Identity, timeoutMs?: number): Promise<Json>;
  /**
   * Calls an RPC that answers with a stream, `wallet.v2.PayoutService/WatchPayout`, and gives its messages as they come.
   * Who stops reading ends the call. Throws as `call` does, also after messages; without a timeout the server's counts.
   */
  stream(rpc: string, request: JsonValue, identity: Identity, timeoutMs?: number): AsyncGenerator<Json>;
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** Opens a connection to `host:port`; it connects with the first call. Calls are signed with the key, if there is one. */
export function connect(address: string, key?: SigningKey, options: ClientOptions = {}): Connection {
  const client = new Client(address, credentials.createInsecure(), options);
  /** A call, signed now: every attempt is signed anew. */
  const outgoing = (rpc: string, request: JsonValue, identity: Identity, kind: DescMethod['methodKind']) => {
    const method = RPCS.get(rpc);
    if (method?.methodKind !== kind) throw new TypeError(`there is no ${kind} RPC ${rpc}`);
    const bytes = Buffer.from(toBinary(method.input, readRequest(method, request)));
    const path = `/${method.parent.typeName}/${method.name}`;
    const metadata = new Metadata();
    const headers = signedHeaders({ method: 'POST', target: path, body: bytes }, identity, key);
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const read = (answer: Buffer) =>
      toJson(method.output, fromBinary(method.output, answer), PRINTING) as Json;
    return { path, bytes, metadata, read };
  };
  return {
    call: async (rpc, request, identity, timeoutMs = DEFAULT_TIMEOUT_MS) => {
      const { path, bytes, metadata, read } = outgoing(rpc, request, identity, 'unary');
      const answer = await new Promise<Buffer>((resolve, reject) => {
        const deadline = Date.now() + timeoutMs;
        client.makeUnaryRequest(path, asIs, asIs, bytes, metadata, { deadline }, (error, response) => {
          if (error) reject(new PpuriError(error));
          else resolve(response ?? Buffer.alloc(0));
        });
      });
      return read(answer);
    },
    async *stream(rpc, request, identity, timeoutMs = Number.POSITIVE_INFINITY) {
      const { path, bytes, metadata, read } = outgoing(rpc, request, identity, 'server_streaming');
      const deadline = Date.now() + timeoutMs;
      const answers = client.makeServerStreamRequest(path, asIs, asIs, bytes, metadata, { deadline });
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

const PRINTING = { registry, useProtoFieldName: true, alwaysEmitImplicit: true };

const asIs = (bytes: Buffer) => bytes;

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
