// Messages in JSON (ProtoJSON) and serialized: names in snake_case, integers of 64 bits as strings.
import { type DescMethod, fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { registry } from './contracts.ts';

/** A message of an answer in JSON. */
export type Json = { [name: string]: JsonValue };

/** A message of a request in JSON, in which integers may be bigints, too. Fields that are undefined are left out. */
export type JsonInput = { readonly [name: string]: JsonInputValue };

/** A value in a request. */
export type JsonInputValue = JsonValue | bigint | undefined | readonly JsonInputValue[] | JsonInput;

/**
 * Serializes a request. Throws a TypeError when it does not fit the RPC's message, or has a number that JavaScript may have
 * rounded.
 */
export function serializeRequest({ input }: DescMethod, request: JsonInput): Uint8Array {
  try {
    return toBinary(input, fromJson(input, plain(request), { registry }));
  } catch (error) {
    throw new TypeError(`the request does not fit ${input.typeName}: ${(error as Error).message}`);
  }
}

/** A serialized request in JSON; fields with default values are left out. */
export function requestToJson({ input }: DescMethod, bytes: Uint8Array): Json {
  return toJson(input, fromBinary(input, bytes), { registry, useProtoFieldName: true }) as Json;
}

/** A serialized response in JSON; fields with default values are there. */
export function responseToJson({ output }: DescMethod, bytes: Uint8Array): Json {
  const options = { registry, useProtoFieldName: true, alwaysEmitImplicit: true };
  return toJson(output, fromBinary(output, bytes), options) as Json;
}

/** Serializes a response; fields that a newer server adds are left out. Throws an Error when the JSON is no such message. */
export function serializeResponse({ output }: DescMethod, json: JsonValue): Uint8Array {
  return toBinary(output, fromJson(output, json, { registry, ignoreUnknownFields: true }));
}

/** A serialized request for a stream that goes on behind a message. The RPC has cursors. */
export function requestBehind(rpc: DescMethod, request: Uint8Array, message: Uint8Array): Uint8Array {
  const { cursor } = responseToJson(rpc, message);
  return serializeRequest(rpc, { ...requestToJson(rpc, request), after_cursor: cursor });
}

function plain(value: JsonInputValue): JsonValue {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new RangeError(`${value} is above 2^53 - 1 and may be rounded; use a string or a bigint`);
  if (Array.isArray(value)) return value.map((element: JsonInputValue) => plain(element));
  if (typeof value !== 'object' || value === null) return value as JsonValue;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, plain(field as JsonInputValue)]));
}
