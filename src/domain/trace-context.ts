// W3C Trace Context: which distributed trace something belongs to, and its form on the wire.

/** A span of a trace. */
export interface TraceContext {
  /** 32 hexadecimal digits, not all of them zero. */
  readonly traceId: string;
  /** The span: 16 hexadecimal digits, not all of them zero. */
  readonly spanId: string;
  /** Whether its spans are exported. Where it came from a caller this is the caller's wish. */
  readonly isSampled: boolean;
}

/** Version, trace, span and flags; versions after 00 may have more behind a hyphen. Version ff is none. */
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** The length of a header of version 00; what is much longer is nobody's traceparent. */
const LENGTH = 55;
const MAX_LENGTH = 2 * LENGTH;
const SAMPLED = 1;

/** Reads the value of a traceparent header (https://www.w3.org/TR/trace-context/#traceparent-header); undefined where it is none. */
export function parseTraceparent(text: unknown): TraceContext | undefined {
  if (typeof text !== 'string' || text.length < LENGTH || text.length > MAX_LENGTH) return undefined;
  const [, version, traceId, spanId, flags, rest] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === '00' && rest !== undefined) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** The value of a traceparent header. */
export function traceparentOf({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}
