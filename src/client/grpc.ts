// Calls over gRPC, by name and in JSON.
import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { Client, type ClientOptions, credentials, Metadata } from '@grpc/grpc-js';
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
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** Opens a connection to `host:port`; it connects with the first call. Calls are signed with the key, if there is one. */
export function connect(address: string, key?: SigningKey, options: ClientOptions = {}): Connection {
  const client = new Client(address, credentials.createInsecure(), options);
  return {
    call: async (rpc, request, identity, timeoutMs = DEFAULT_TIMEOUT_MS) => {
      const method = RPCS.get(rpc);
      if (!method) throw new TypeError(`there is no RPC ${rpc}`);
      const bytes = Buffer.from(toBinary(method.input, readRequest(rpc, request)));
      const path = `/${method.parent.typeName}/${method.name}`;
      const metadata = new Metadata();
      const headers = signedHeaders({ method: 'POST', target: path, body: bytes }, identity, key);
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      const answer = await new Promise<Buffer>((resolve, reject) => {
        const deadline = Date.now() + timeoutMs;
        client.makeUnaryRequest(path, asIs, asIs, bytes, metadata, { deadline }, (error, response) => {
          if (error) reject(new PpuriError(error));
          else resolve(response ?? Buffer.alloc(0));
        });
      });
      const options = { registry, useProtoFieldName: true, alwaysEmitImplicit: true };
      return toJson(method.output, fromBinary(method.output, answer), options) as Json;
    },
    close: () => client.close(),
  };
}

const asIs = (bytes: Buffer) => bytes;

function readRequest(rpc: string, request: JsonValue) {
  const method = RPCS.get(rpc);
  if (!method) throw new TypeError(`there is no RPC ${rpc}`);
  try {
    return fromJson(method.input, request, { registry });
  } catch (error) {
    throw new TypeError(`the request does not fit ${method.input.typeName}: ${(error as Error).message}`);
  }
}
