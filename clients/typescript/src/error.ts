// The error of a call, with the details of google.rpc.Status that ppuri answers with over gRPC and REST alike.
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { type Any, anyUnpack } from '@bufbuild/protobuf/wkt';
import { status as codes, type Metadata, type ServiceError } from '@grpc/grpc-js';
import { registry } from './contracts.ts';

/** What is wrong with one field or header of a request. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** What makes a PpuriError. */
export interface ErrorInput {
  readonly status: codes;
  readonly message: string;
  /** Messages of google.rpc in JSON, each with its `@type`. */
  readonly details?: readonly ErrorDetail[];
  /** Used where the details have no RetryInfo, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** A detail of google.rpc.Status in JSON: ErrorInfo, BadRequest, RetryInfo or LocalizedMessage. */
export interface ErrorDetail {
  readonly '@type'?: string;
  readonly reason?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly field_violations?: readonly Partial<FieldViolation>[];
  /** In seconds, with an `s`: `1.5s`. */
  readonly retry_delay?: string;
}

/** A call that was not answered with OK. */
export class PpuriError extends Error {
  /** The gRPC status code, for example 9. */
  readonly status: codes;
  /** ERR001 to ERR010; empty when the answer did not come from ppuri, for example when nothing listens. */
  readonly code: string;
  /** The reason, for example BALANCE_TOO_LOW; empty when `code` is. */
  readonly reason: string;
  readonly violations: readonly FieldViolation[];
  /** How long to wait before the next attempt, in milliseconds, when the answer says so (RetryInfo, Retry-After). */
  readonly retryAfterMs: number | undefined;
  /** What the answer names besides, such as the `run_id` of RECOVERY_RUN_UNDER_WAY (google.rpc.ErrorInfo). */
  readonly metadata: Readonly<Record<string, string>>;
  /** Names this answer in the server's logs; undefined when no server answered. */
  readonly requestId: string | undefined;
  /** The idempotency key of the call, also where the client made it: the same call under it pays once. */
  idempotencyKey: string | undefined;

  constructor({ status, message, details = [], retryAfterMs, requestId, cause }: ErrorInput) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'PpuriError';
    this.status = status;
    const detail = (type: string) =>
      details.find((found) => found['@type'] === `type.googleapis.com/google.rpc.${type}`);
    const info = detail('ErrorInfo');
    const { code = '', ...metadata } = info?.metadata ?? {};
    this.code = code;
    this.metadata = metadata;
    this.reason = info?.reason ?? '';
    this.violations = (detail('BadRequest')?.field_violations ?? []).map(
      ({ field = '', description = '' }) => ({ field, description }),
    );
    const delayMs = Number.parseFloat(detail('RetryInfo')?.retry_delay ?? '') * 1000;
    this.retryAfterMs = Number.isFinite(delayMs) ? delayMs : retryAfterMs;
    this.requestId = requestId;
    this.idempotencyKey = undefined;
  }

  /** Takes what grpc-js throws or passes to a callback. */
  static ofGrpc(error: ServiceError): PpuriError {
    const text = (name: string) => error.metadata?.get(name)[0]?.toString();
    return new PpuriError({
      status: error.code,
      message: error.details || error.message,
      details: detailsIn(error.metadata),
      requestId: text('x-request-id'),
    });
  }

  /** Takes an answer over REST whose HTTP status is not 200, with its body. */
  static ofRest(httpStatus: number, headers: Headers, body: string): PpuriError {
    const { code, message = '', details = [] } = parseStatus(body);
    if (code === undefined) return PpuriError.ofForeign(httpStatus, headers);
    return new PpuriError({ ...headersIn(headers), status: code, message, details });
  }

  /** Takes an answer over HTTP that is not ppuri's, but of a proxy or another server. */
  static ofForeign(httpStatus: number, headers: Headers): PpuriError {
    const type = headers.get('content-type') ?? 'no content-type';
    return new PpuriError({
      ...headersIn(headers),
      status: BY_HTTP_STATUS[httpStatus] ?? codes.UNKNOWN,
      message: `HTTP ${httpStatus} with ${type}, which is not an answer of ppuri; is the address right?`,
    });
  }
}

function headersIn(headers: Headers): Pick<ErrorInput, 'retryAfterMs' | 'requestId'> {
  const after = headers.get('retry-after') ?? '';
  // RFC 9110, section 10.2.3: seconds, as ppuri says it, or a date, as a proxy may.
  const afterMs = /^\d+$/.test(after) ? Number(after) * 1000 : Math.max(0, Date.parse(after) - Date.now());
  return {
    retryAfterMs: Number.isFinite(afterMs) ? afterMs : undefined,
    requestId: headers.get('x-request-id') ?? undefined,
  };
}

/** The status of an answer that is not ppuri's, as gRPC maps it (http-grpc-status-mapping.md of grpc). */
const BY_HTTP_STATUS: Readonly<Record<number, codes>> = {
  400: codes.INTERNAL,
  401: codes.UNAUTHENTICATED,
  403: codes.PERMISSION_DENIED,
  404: codes.UNIMPLEMENTED,
  // Not UNAVAILABLE, as in gRPC: such an answer says when to come again, or is not to be repeated.
  429: codes.RESOURCE_EXHAUSTED,
  502: codes.UNAVAILABLE,
  503: codes.UNAVAILABLE,
  504: codes.UNAVAILABLE,
};

interface RestStatus {
  readonly code?: codes;
  readonly message?: string;
  readonly details?: readonly ErrorDetail[];
}

function parseStatus(body: string): RestStatus {
  try {
    const parsed: unknown = JSON.parse(body);
    const isStatus =
      typeof parsed === 'object' && parsed !== null && 'code' in parsed && typeof parsed.code === 'number';
    return isStatus ? (parsed as RestStatus) : {};
  } catch {
    return {};
  }
}

/** The details that an answer over gRPC carries; none where they are of types that the contracts do not have. */
function detailsIn(metadata: Metadata | undefined): ErrorDetail[] {
  const [bytes] = metadata?.get('grpc-status-details-bin') ?? [];
  const schema = registry.getMessage('google.rpc.Status');
  if (!Buffer.isBuffer(bytes) || !schema) return [];
  // The registry reads the message without a generated type; its fields are those of google.rpc.Status.
  const { details } = fromBinary(schema, bytes) as unknown as { readonly details: readonly Any[] };
  return details.flatMap((packed) => {
    const message = anyUnpack(packed, registry);
    const type = message && registry.getMessage(message.$typeName);
    if (!type) return [];
    const json = toJson(type, message, { registry, useProtoFieldName: true }) as object;
    return [{ '@type': packed.typeUrl, ...json }];
  });
}
