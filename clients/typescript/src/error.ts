// The error of a call, with the details of google.rpc.Status that ppuri answers with.
import type { status as codes, Metadata, ServiceError } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, RetryInfo } from '../../../gen/ts/google/rpc/error_details.ts';
import { Status } from '../../../gen/ts/google/rpc/status.ts';

/** What is wrong with one field or header of a request. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
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
  /** How long to wait before the next attempt, in milliseconds, when the answer says so (google.rpc.RetryInfo). */
  readonly retryAfterMs: number | undefined;

  /** Takes what grpc-js throws or passes to a callback. */
  constructor(error: ServiceError) {
    super(error.details || error.message);
    this.name = 'PpuriError';
    this.status = error.code;
    const details = detailsIn(error.metadata);
    this.code = details.info?.metadata.code ?? '';
    this.reason = details.info?.reason ?? '';
    this.violations = (details.badRequest?.fieldViolations ?? []).map(({ field, description }) => ({
      field,
      description,
    }));
    this.retryAfterMs = details.retryAfterMs;
  }
}

function detailsIn(metadata: Metadata | undefined) {
  const [bytes] = metadata?.get('grpc-status-details-bin') ?? [];
  const found: { info?: ErrorInfo; badRequest?: BadRequest; retryAfterMs?: number } = {};
  if (!Buffer.isBuffer(bytes)) return found;
  for (const { typeUrl, value } of Status.decode(bytes).details) {
    if (typeUrl.endsWith('/google.rpc.ErrorInfo')) found.info = ErrorInfo.decode(value);
    if (typeUrl.endsWith('/google.rpc.BadRequest')) found.badRequest = BadRequest.decode(value);
    if (typeUrl.endsWith('/google.rpc.RetryInfo')) {
      const delay = RetryInfo.decode(value).retryDelay;
      if (delay) found.retryAfterMs = Number(delay.seconds) * 1000 + delay.nanos / 1_000_000;
    }
  }
  return found;
}
