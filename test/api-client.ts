// Calls a running server over gRPC or over REST, and reads both kinds of answers as the same thing.
import { setTimeout as sleep } from 'node:timers/promises';
import type { DescMethod, JsonValue } from '@bufbuild/protobuf';
import { RPCS, restRoutesOf } from '../clients/typescript/src/contracts.ts';
import { PpuriError } from '../clients/typescript/src/error.ts';
import { grpcTransport } from '../clients/typescript/src/grpc.ts';
import { type Identity, signedHeaders } from '../clients/typescript/src/headers.ts';
import { type Json, responseToJson, serializeRequest } from '../clients/typescript/src/messages.ts';
import { requestRest } from '../clients/typescript/src/rest.ts';
import type { SigningKey } from '../clients/typescript/src/signature.ts';
import { restCallOf } from '../scripts/api-reference/rest-call.ts';
import { checkDeclared } from './declared-reasons.ts';

export type { Identity } from '../clients/typescript/src/headers.ts';
export type { Json } from '../clients/typescript/src/messages.ts';

/** Longer than any call takes. */
const TIMEOUT_MS = 30_000;

/** What came back: the response, or why not. */
export class Answer {
  readonly body: Json;
  /** The gRPC status; over REST, as the JSON of the error says it. 0 is OK. */
  readonly status: number;
  /** ERR001 and so on; empty when OK. */
  readonly code: string;
  /** The reason of the ErrorInfo; empty when OK. */
  readonly reason: string;
  /** The fields that are named as wrong. */
  readonly fields: readonly string[];
  /** What a refusal names besides. */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(
    body: Json,
    status = 0,
    code = '',
    reason = '',
    fields: readonly string[] = [],
    metadata: Readonly<Record<string, string>> = {},
  ) {
    this.body = body;
    this.status = status;
    this.code = code;
    this.reason = reason;
    this.fields = fields;
    this.metadata = metadata;
  }

  /** The elements of a repeated field. */
  list(name: string): Json[] {
    return this.body[name] as Json[];
  }

  /** A field inside of fields. */
  at(...path: string[]): JsonValue | undefined {
    return path.reduce<JsonValue | undefined>(
      (value, name) => (value as Json | undefined)?.[name],
      this.body,
    );
  }
}

/** One way to make calls. */
export interface ApiClient {
  readonly name: 'gRPC' | 'REST';
  /** Calls `wallet.v1.WalletService/GetBalance` and the like with a request in JSON. The answer of a stream is its last message. */
  call(rpc: string, request: Json, identity?: Identity, timeoutMs?: number): Promise<Answer>;
  close(): void;
}

/**
 * Makes a call until it was signed in a later second than what was refused or asked about under its key: within the same
 * second it is turned away, because it may be the earlier one.
 */
export async function signedLater(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await call();
    if (answer.reason !== 'ATTEMPT_SUPERSEDED') return answer;
    await sleep(100);
  }
}

/** Calls straight to a server's gRPC port: one attempt, with what is given and nothing else. */
export function grpcClient(address: string, key?: SigningKey): ApiClient {
  const transport = grpcTransport(address, (request, identity) => signedHeaders(request, identity, key), {});
  const { signal } = new AbortController();
  const attempt = async (name: string, request: Json, identity: Identity, timeoutMs: number) => {
    const rpc = RPCS.get(name);
    if (!rpc) throw new TypeError(`there is no RPC ${name}`);
    const sent = { rpc, body: serializeRequest(rpc, request), identity, timeoutMs, signal };
    if (!isStream(rpc)) return responseToJson(rpc, await transport.unary(sent));
    let last: Json = {};
    for await (const message of transport.stream(sent)) last = responseToJson(rpc, message);
    return last;
  };
  return {
    name: 'gRPC',
    close: () => transport.close(),
    call: (rpc, request, identity = {}, timeoutMs = TIMEOUT_MS) =>
      attempt(rpc, request, identity, timeoutMs).then(
        (body) => new Answer(body),
        (error: unknown) => {
          if (!(error instanceof PpuriError)) throw error;
          const { status, code, reason, violations, metadata } = error;
          checkDeclared(rpc, reason);
          return new Answer(
            {},
            status,
            code,
            reason,
            violations.map(({ field }) => field),
            metadata,
          );
        },
      ),
  };
}

/** Calls through the edge, each RPC by the REST address that its contract gives it. */
export function restClient(baseUrl: string, key?: SigningKey): ApiClient {
  return {
    name: 'REST',
    close: () => {},
    async call(rpc, request, identity = {}, timeoutMs = TIMEOUT_MS) {
      const method = RPCS.get(rpc);
      if (!method) throw new TypeError(`there is no RPC ${rpc}`);
      const routes = restRoutesOf(method);
      // By the first that has its fields: an RPC that finds by an id or by a reference has one for each.
      const hasFields = ({ path }: { readonly path: string }) =>
        [...path.matchAll(/\{(\w+)\}/g)].every(([, name = '']) => name in request);
      const route = routes.find(hasFields) ?? routes[0];
      if (!route) throw new TypeError(`${rpc} is not offered over REST`);
      const { path, body } = restCallOf(route, request);
      const sent = body && JSON.stringify(body);
      const answer = await requestRest(`${baseUrl}${path}`, route.method, sent, identity, key, timeoutMs);
      if (answer.status !== 200) return refused(rpc, answer.body);
      return new Answer(isStream(method) ? lastLine(answer.body) : (answer.body as Json));
    },
  };
}

const isStream = (rpc: DescMethod | undefined) => rpc?.methodKind === 'server_streaming';

/** The last message of a stream; a stream of one line is read as JSON already. */
function lastLine(body: unknown): Json {
  return typeof body === 'string' ? JSON.parse(body.trimEnd().split('\n').at(-1) ?? '') : (body as Json);
}

interface RestError {
  readonly code: number;
  readonly details: readonly {
    readonly '@type': string;
    readonly reason?: string;
    readonly metadata?: Readonly<Record<string, string>>;
    readonly field_violations?: readonly { readonly field: string }[];
  }[];
}

/** The refusal in a response over REST. */
export function refused(rpc: string, body: unknown): Answer {
  const { code, details } = body as RestError;
  const detail = (type: string) =>
    details.find((any) => any['@type'] === `type.googleapis.com/google.rpc.${type}`);
  const info = detail('ErrorInfo');
  checkDeclared(rpc, info?.reason ?? '');
  const fields = detail('BadRequest')?.field_violations?.map(({ field }) => field) ?? [];
  const { code: errorCode = '', ...metadata } = info?.metadata ?? {};
  return new Answer(body as Json, code, errorCode, info?.reason ?? '', fields, metadata);
}
