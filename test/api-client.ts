// Calls a running server over gRPC or over REST, and reads both kinds of answers as the same thing.
import { setTimeout as sleep } from 'node:timers/promises';
import type { DescMethod, JsonValue } from '@bufbuild/protobuf';
import { RPCS, restRouteOf } from '../clients/typescript/src/contracts.ts';
import { PpuriError } from '../clients/typescript/src/error.ts';
import { type Connection, connect, type Json } from '../clients/typescript/src/grpc.ts';
import type { Identity } from '../clients/typescript/src/headers.ts';
import { requestRest } from '../clients/typescript/src/rest.ts';
import type { SigningKey } from '../clients/typescript/src/signature.ts';

export type { Json } from '../clients/typescript/src/grpc.ts';
export type { Identity } from '../clients/typescript/src/headers.ts';

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

  constructor(body: Json, status = 0, code = '', reason = '', fields: readonly string[] = []) {
    this.body = body;
    this.status = status;
    this.code = code;
    this.reason = reason;
    this.fields = fields;
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

/** Calls straight to a server's gRPC port. */
export function grpcClient(address: string, key?: SigningKey): ApiClient {
  const connection = connect(address, key);
  const lastOf: Connection['call'] = async (...call) => {
    let last: Json = {};
    for await (const message of connection.stream(...call)) last = message;
    return last;
  };
  return {
    name: 'gRPC',
    close: () => connection.close(),
    call: (rpc, request, identity = {}, timeoutMs = TIMEOUT_MS) =>
      (isStream(RPCS.get(rpc)) ? lastOf : connection.call)(rpc, request, identity, timeoutMs).then(
        (body) => new Answer(body),
        (error: unknown) => {
          if (!(error instanceof PpuriError)) throw error;
          const { status, code, reason, violations } = error;
          return new Answer(
            {},
            status,
            code,
            reason,
            violations.map(({ field }) => field),
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
      const { verb, path, body } = restRequest(method, request);
      const answer = await requestRest(`${baseUrl}${path}`, verb, body, identity, key, timeoutMs);
      if (answer.status !== 200) return refused(answer.body);
      return new Answer(isStream(method) ? lastLine(answer.body) : (answer.body as Json));
    },
  };
}

const isStream = (rpc: DescMethod | undefined) => rpc?.methodKind === 'server_streaming';

/** The last message of a stream; a stream of one line is read as JSON already. */
function lastLine(body: unknown): Json {
  return typeof body === 'string' ? JSON.parse(body.trimEnd().split('\n').at(-1) ?? '') : (body as Json);
}

function restRequest(
  rpc: DescMethod,
  request: Json,
): { verb: string; path: string; body: string | undefined } {
  const route = restRouteOf(rpc);
  if (!route) throw new TypeError(`${rpc.name} is not offered over REST`);
  const rest: Json = { ...request };
  const path = route.path.replace(/\{(\w+)\}/g, (_match, name: string) => {
    const value = rest[name];
    delete rest[name];
    return encodeURIComponent(String(value));
  });
  if (route.hasBody) return { verb: route.method, path, body: JSON.stringify(rest) };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(rest)) {
    for (const element of Array.isArray(value) ? value : [value]) query.append(name, String(element));
  }
  const text = query.toString();
  return { verb: route.method, path: text ? `${path}?${text}` : path, body: undefined };
}

interface RestError {
  readonly code: number;
  readonly details: readonly {
    readonly '@type': string;
    readonly reason?: string;
    readonly metadata?: { readonly code?: string };
    readonly field_violations?: readonly { readonly field: string }[];
  }[];
}

function refused(body: unknown): Answer {
  const { code, details } = body as RestError;
  const detail = (type: string) =>
    details.find((any) => any['@type'] === `type.googleapis.com/google.rpc.${type}`);
  const info = detail('ErrorInfo');
  const fields = detail('BadRequest')?.field_violations?.map(({ field }) => field) ?? [];
  return new Answer(body as Json, code, info?.metadata?.code ?? '', info?.reason ?? '', fields);
}
