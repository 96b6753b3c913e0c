// A call as grpc-js received it, made into what interceptors see; and how a no to it is said.

import { randomUUID } from 'node:crypto';
import {
  Metadata,
  type MethodDefinition,
  type ServerUnaryCall,
  type ServerWritableStream,
  type StatusObject,
} from '@grpc/grpc-js';
import { InvariantError } from '../domain/error-fields.ts';
import { Refusal } from '../domain/refusal.ts';
import { CONTRACTS, type RpcContract } from './contracts.ts';
import { languageOf, statusOf } from './error-status.ts';
import type { IncomingCall } from './interceptor.ts';

/** A method of a generated service, whatever its messages are. */
export type Method = MethodDefinition<unknown, unknown>;

/** One request came in. */
export type Received = ServerUnaryCall<Buffer, Buffer> | ServerWritableStream<Buffer, Buffer>;

/** The method as grpc-js is told of it: its messages cross as they are. */
export function asBytes({ path, requestStream, responseStream }: Method): MethodDefinition<Buffer, Buffer> {
  const asIs = (bytes: Buffer) => bytes;
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

/** Throws where the descriptor is out of step with the generated code. */
export function contractOf({ path }: Method): RpcContract {
  const contract = CONTRACTS.get(path);
  if (!contract) throw new InvariantError(`gen/descriptor.binpb has no ${path}; run npm run gen`);
  return contract;
}

/** What interceptors see of a call. */
export function incoming(method: Method, contract: RpcContract, received: Received): IncomingCall {
  const { request: bytes, metadata } = received;
  let read: ReadRequest | undefined;
  const message = () => {
    read ??= readRequest(method, contract, bytes);
    return read;
  };
  return {
    path: method.path,
    contract,
    metadata,
    peer: received.getPeer(),
    receivedAt: performance.now(),
    deadlineMs: Number(received.getDeadline()),
    requestId: requestIdOf(metadata),
    language: languageOf(metadata),
    bytes,
    request: () => message().request,
    canonicalBytes: () => message().canonicalBytes,
    answerHeaders: new Map(),
  };
}

/** The one message that everybody sees: what is handled, and what is checked, and what a retry is known by. */
interface ReadRequest {
  readonly request: unknown;
  readonly canonicalBytes: Uint8Array;
}

/**
 * Decodes a request once, after its bytes were found to be one plain encoding of it, and writes it once. The rules of the
 * contract are checked over what was written, so that they see what the handler gets and not what another decoder would
 * have made of the bytes. Refuses MALFORMED_REQUEST, and INVALID_FIELD for what no message may hold.
 */
function readRequest(method: Method, contract: RpcContract, bytes: Buffer): ReadRequest {
  const fault = contract.checkWire(bytes);
  if (fault) {
    const { kind, field, description } = fault;
    const violations = [{ field: field === '' ? 'body' : field, description }];
    throw new Refusal(kind === 'value' ? 'INVALID_FIELD' : 'MALFORMED_REQUEST', { violations });
  }
  const request = method.requestDeserialize(bytes);
  return { request, canonicalBytes: method.requestSerialize(request) };
}

/** Who calls, for the handler. */
export function callerOf({ caller }: IncomingCall): NonNullable<IncomingCall['caller']> {
  if (!caller) throw new InvariantError('no interceptor identified the caller');
  return caller;
}

/** Sends the headers that go with an answer, if there are any; before its first message. */
export function sendHeaders(received: Received, call: IncomingCall): void {
  if (call.answerHeaders.size > 0) received.sendMetadata(withHeaders(new Metadata(), call));
}

/** The status that says what went wrong, the answer's headers with it. */
export function statusFor(error: unknown, call: IncomingCall): StatusObject {
  const refusal = error instanceof Refusal ? error : new Refusal('INTERNAL');
  const status = statusOf(refusal, call.language, call.requestId);
  return { ...status, metadata: withHeaders(status.metadata, call) };
}

function withHeaders(metadata: Metadata, { answerHeaders }: IncomingCall): Metadata {
  for (const [name, value] of answerHeaders) metadata.set(name, value);
  return metadata;
}

/** The id that the edge or the caller gave to the request, or a new one; it goes into logs, so only a tame one is taken. */
function requestIdOf(metadata: Metadata): string {
  const [given] = metadata.get('x-request-id');
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
}
