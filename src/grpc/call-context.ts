// A call on its way through the interceptors: what came in, and what they have found out about it.

import { randomUUID } from 'node:crypto';
import type { Metadata, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import type { ApiKey } from '../domain/api-key.ts';
import { InvariantError } from '../domain/error-fields.ts';
import { Refusal } from '../domain/refusal.ts';
import { parseTraceparent, type TraceContext } from '../domain/trace-context.ts';
import type { Caller } from './caller.ts';
import type { RpcContract } from './contracts.ts';
import { type Language, languageOf } from './error-status.ts';
import type { HeaderReader } from './header-reader.ts';

/** A call with one request, as grpc-js hands it to a handler. */
export type ServerCall = ServerUnaryCall<Buffer, Buffer> | ServerWritableStream<Buffer, Buffer>;

/** The codec of a method's request, as ts-proto generates it. */
export interface RequestCodec {
  readonly path: string;
  requestDeserialize(bytes: Buffer): unknown;
  requestSerialize(request: unknown): Buffer;
}

/** The key that signed a call, and where the call came from. */
export interface Signer {
  readonly key: ApiKey;
  readonly nonce: string;
  /** `created` of the signature, in whole seconds since 1970. */
  readonly signedAt: number;
  readonly clientAddress: string;
  /** The edge's own id of the request; empty where no edge is between. */
  readonly edgeRequestId: string;
}

/** The span of a call whose trace is exported. */
export interface CallSpan {
  readonly context: TraceContext;
  /** Notes that a step of the call begins now. */
  entered(step: string): void;
}

/** One call. Interceptors read it, and set the fields that are not readonly. */
export class CallContext {
  /** As on the wire: `/wallet.v1.WalletService/GetBalance`. */
  readonly path: string;
  readonly contract: RpcContract;
  readonly metadata: Metadata;
  /** `address:port` of the other end of the connection. */
  readonly peer: string;
  /** When the server received it, by performance.now(). */
  readonly receivedAt: number;
  readonly requestId: string;
  readonly language: Language;
  /** The request's bytes as received. */
  readonly bytes: Buffer;
  /** Headers to send with the response or the error. */
  readonly responseHeaders: Map<string, string>;
  /** The deadline in milliseconds since 1970; infinity where the caller set none. */
  deadlineMs: number;
  /** Whether the caller's traceparent says that its trace is sampled. */
  readonly isSampledByParent: boolean;
  /** The trace that logs name and that jobs continue; its span is the server's own where `span` is set. */
  trace: TraceContext | undefined;
  /** Set once, by `traceCalls`; undefined for the calls whose spans nobody exports. */
  span: CallSpan | undefined;
  /** Set once, by `authenticate`. */
  signer: Signer | undefined;
  /** Set once, by `identifyCaller`. */
  caller: Caller | undefined;
  readonly #codec: RequestCodec;
  #request: unknown;
  #canonicalBytes: Buffer | undefined;

  constructor(codec: RequestCodec, contract: RpcContract, call: ServerCall) {
    const { request, metadata } = call;
    this.path = codec.path;
    this.contract = contract;
    this.metadata = metadata;
    this.peer = call.getPeer();
    this.receivedAt = performance.now();
    this.deadlineMs = Number(call.getDeadline());
    this.requestId = requestIdOf(metadata);
    this.language = languageOf(metadata);
    this.bytes = request;
    this.responseHeaders = new Map();
    const parent = callersTrace(metadata);
    this.isSampledByParent = parent?.isSampled ?? false;
    // Whether we export spans is not for a caller to say.
    this.trace = parent && { ...parent, isSampled: false };
    this.span = undefined;
    this.signer = undefined;
    this.caller = undefined;
    this.#codec = codec;
    this.#request = undefined;
    this.#canonicalBytes = undefined;
  }

  /**
   * The request, decoded at the first use. Refuses MALFORMED_REQUEST for bytes that are not one plain encoding of it, and
   * INVALID_FIELD for values that no message may hold.
   */
  request(): unknown {
    this.#request ??= this.#decode();
    return this.#request;
  }

  /**
   * The request as our own code encodes it: the same bytes for the same request, whichever way its client encoded it. Refuses
   * as `request` does.
   */
  canonicalBytes(): Uint8Array {
    this.#canonicalBytes ??= this.#codec.requestSerialize(this.request());
    return this.#canonicalBytes;
  }

  /** The one decoding: what the rules are checked over, what is fingerprinted and what the handler gets come from it. */
  #decode(): unknown {
    const fault = this.contract.checkWire(this.bytes);
    if (fault) {
      const { kind, field, description } = fault;
      const violations = [{ field: field === '' ? 'body' : field, description }];
      throw new Refusal(kind === 'value' ? 'INVALID_FIELD' : 'MALFORMED_REQUEST', { violations });
    }
    return this.#codec.requestDeserialize(this.bytes);
  }
}

/** The signer of a call that has been authenticated. */
export function signerOf({ signer }: CallContext): Signer {
  if (!signer) throw new InvariantError('no interceptor authenticated the call');
  return signer;
}

/** The caller of a call that has been identified. */
export function callerOf({ caller }: CallContext): Caller {
  if (!caller) throw new InvariantError('no interceptor identified the caller');
  return caller;
}

/** The id that the edge or the caller gave to the request, or a new one. It goes into logs, so its form is restricted. */
export function requestIdOf(headers: HeaderReader): string {
  const [given] = headers.get('x-request-id');
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
}

/** The trace that a caller says its call belongs to; undefined where there is no such header, or more than one. */
export function callersTrace(headers: HeaderReader): TraceContext | undefined {
  const values = headers.get('traceparent');
  return values.length === 1 ? parseTraceparent(values[0]) : undefined;
}
