// Reads spans as OTLP carries them over HTTP (opentelemetry-proto, trace/v1), without the help of who wrote them.
import { BinaryReader } from '@bufbuild/protobuf/wire';

/** A span as a collector gets it. */
export interface ExportedSpan {
  readonly service: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root of a trace. */
  readonly parentSpanId: string;
  /** In nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, string>>;
  readonly events: readonly { readonly name: string; readonly at: bigint }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 0: unset, 1: OK, 2: ERROR. */
  readonly status: number;
  readonly traceState: string;
}

/** The values of a message by their field numbers: numbers, or bytes. */
type Fields = Map<number, (bigint | Uint8Array)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const fields: Fields = new Map();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const value =
      type === 2
        ? reader.bytes()
        : type === 1
          ? BigInt(reader.fixed64())
          : type === 5
            ? BigInt(reader.fixed32())
            : BigInt(reader.uint64());
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

const messages = (fields: Fields, number: number) =>
  (fields.get(number) ?? []).map((value) => fieldsOf(value as Uint8Array));
const bytesOf = (fields: Fields, number: number) =>
  Buffer.from((fields.get(number)?.[0] as Uint8Array | undefined) ?? []);
const textOf = (fields: Fields, number: number) => bytesOf(fields, number).toString();
const numberOf = (fields: Fields, number: number) => BigInt((fields.get(number)?.[0] as bigint) ?? 0);

/** Of AnyValue only texts, booleans and integers are needed. */
function attributesOf(fields: Fields, number: number): Record<string, string> {
  return Object.fromEntries(
    messages(fields, number).map((attribute) => {
      const [value] = messages(attribute, 2);
      const [[kind] = [0]] = value ?? [];
      if (!value || kind === 0) return [textOf(attribute, 1), ''];
      return [textOf(attribute, 1), kind === 1 ? textOf(value, 1) : String(numberOf(value, kind))];
    }),
  );
}

const KINDS = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

/** The spans of an ExportTraceServiceRequest. Throws where it is none. */
export function readSpans(body: Uint8Array): ExportedSpan[] {
  return messages(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const [resource] = messages(resourceSpans, 1);
    const service = (resource && attributesOf(resource, 1)['service.name']) ?? '';
    return messages(resourceSpans, 2)
      .flatMap((scope) => messages(scope, 2))
      .map((span) => toSpan(span, service));
  });
}

function toSpan(span: Fields, service: string): ExportedSpan {
  const hex = (fields: Fields, number: number) => bytesOf(fields, number).toString('hex');
  const [status] = messages(span, 15);
  return {
    service,
    name: textOf(span, 5),
    kind: KINDS[Number(numberOf(span, 6))] ?? 'internal',
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentSpanId: hex(span, 4),
    start: numberOf(span, 7),
    end: numberOf(span, 8),
    attributes: attributesOf(span, 9),
    events: messages(span, 11).map((event) => ({ name: textOf(event, 2), at: numberOf(event, 1) })),
    links: messages(span, 13).map((link) => ({ traceId: hex(link, 1), spanId: hex(link, 2) })),
    status: status ? Number(numberOf(status, 3)) : 0,
    traceState: textOf(span, 3),
  };
}
