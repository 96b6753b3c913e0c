// Connections: calls, lists and streams in JSON and typed, over gRPC or REST, with retries.
import { type CallOptions, createCalls, findRpc } from './calls.ts';
import { bytesOf, whole } from './file.ts';
import { type GrpcOptions, grpcTransport } from './grpc.ts';
import { type Identity, signedHeaders } from './headers.ts';
import { type Json, type JsonInput, responseToJson, serializeRequest } from './messages.ts';
import { type RestOptions, restTransport } from './rest.ts';
import { createRetries, type RetryOptions } from './retry.ts';
import type { SigningKey } from './signature.ts';
import type { Sign } from './transport.ts';
import { createTyped, pagesOf, type TypedClient, type TypedService } from './typed.ts';

/**
 * Calls by an RPC's full name, `wallet.v1.WalletService/GetBalance`. All of them throw a PpuriError when the answer is not
 * OK or none came, and a TypeError when there is no such RPC or the request is not one of its messages. A call that needs
 * an idempotency key and has none gets a new one, which all of its attempts use.
 */
export interface Connection {
  call(rpc: string, request: JsonInput, identity?: Identity, options?: CallOptions): Promise<Json>;
  /** All pages of a list RPC from the request's `page_token` on, each read when it is asked for. */
  pages(rpc: string, request: JsonInput, identity?: Identity, options?: CallOptions): AsyncGenerator<Json>;
  /**
   * The messages of a stream to the last one. A stream that breaks off is opened again. One with cursors,
   * `wallet.v2.WalletService/WatchWallet`, goes on behind the cursor of the last message, so that each comes once and none is
   * missed; one that shows a state, `wallet.v2.PayoutService/WatchPayout`, goes on with the state at that time. Leaving the
   * loop cancels the call.
   */
  stream(rpc: string, request: JsonInput, identity?: Identity, options?: CallOptions): AsyncGenerator<Json>;
  /**
   * The statement of a wallet as the bytes of a file, CSV or NDJSON, in pieces: what
   * `wallet.v2.WalletService/ExportStatement` streams. Throws when the file ends before its last line, or breaks off: then
   * it has to be begun again. Reading slowly slows the server down. Leaving the loop cancels the call.
   */
  statement(request: JsonInput, identity: Identity, options?: CallOptions): AsyncGenerator<Uint8Array>;
  /** The calls of a service with typed messages: `connection.typed(v2Transfer.TransferServiceService)`. */
  typed<Service extends TypedService>(service: Service): TypedClient<Service>;
  close(): void;
}

export type { Json } from './messages.ts';

/** How to connect. The options of channels of grpc-js are taken, too. */
export interface ConnectOptions extends GrpcOptions, RestOptions {
  /** How calls are retried; with false each has one attempt, unless its options say otherwise. */
  readonly retry?: RetryOptions | false | undefined;
  /** The present time for signatures in milliseconds since 1970, where this machine's clock is wrong. */
  readonly now?: (() => number) | undefined;
}

const EXPORT_STATEMENT = 'wallet.v2.WalletService/ExportStatement';

/**
 * Connects to `host:port` over gRPC, or to the URL of the edge over REST, with the first call. Calls are signed if a key
 * is given.
 */
export function connect(address: string, key?: SigningKey, options: ConnectOptions = {}): Connection {
  const { retry, now = Date.now, fetch, ...grpcOptions } = options;
  const sign: Sign = (request, identity) => signedHeaders(request, identity, key, now());
  const transport = /^https?:/i.test(address)
    ? restTransport(address, sign, { fetch })
    : grpcTransport(address, sign, grpcOptions);
  const calls = createCalls(transport, createRetries(retry || {}), retry !== false);
  const call: Connection['call'] = async (rpc, request, identity = {}, callOptions = {}) => {
    const method = findRpc(rpc, 'unary');
    const answer = await calls.unary(rpc, serializeRequest(method, request), identity, callOptions);
    return responseToJson(method, answer);
  };
  return {
    call,
    async *pages(rpc, request, identity, callOptions) {
      if (!findRpc(rpc, 'unary').output.field.nextPageToken) throw new TypeError(`${rpc} has no pages`);
      const pages = pagesOf(async (pageToken) => {
        const from = pageToken === '' ? {} : { page_token: pageToken };
        const page = await call(rpc, { ...request, ...from }, identity, callOptions);
        return { page, nextPageToken: String(page.next_page_token) };
      });
      for await (const { page } of pages) yield page;
    },
    async *stream(rpc, request, identity = {}, callOptions = {}) {
      const method = findRpc(rpc, 'server_streaming');
      const messages = calls.stream(rpc, serializeRequest(method, request), identity, callOptions);
      for await (const message of messages) yield responseToJson(method, message);
    },
    async *statement(request, identity, callOptions = {}) {
      const method = findRpc(EXPORT_STATEMENT, 'server_streaming');
      const body = serializeRequest(method, request);
      const pieces = calls.stream(EXPORT_STATEMENT, body, identity, callOptions);
      yield* whole(bytesOf(method, pieces));
    },
    typed: (service) => createTyped(service, calls),
    close: () => transport.close(),
  };
}
