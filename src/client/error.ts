// A call that was refused or failed, with everything that the answer says about it.
import type { status as codes, Metadata, ServiceError } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, RetryInfo } from '../../gen/ts/google/rpc/error_details.ts';
import { Status } from '../../gen/ts/google/rpc/status.ts';

/** A field of the request that was wrong, and how. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** What ppuri answers when it does not answer OK. */
export class PpuriError extends Error {
  /** The gRPC status code, for example 9. */
  readonly status: codes;
  /** ERR001 to ERR010; empty when the answer never reached ppuri or came from something else. */
  readonly code: string;
  /** The reason, for example BALANCE_TOO_LOW; empty likewise. */
  readonly reason: string;
  readonly violations: readonly FieldViolation[];
  /** How long to wait before trying again, in milliseconds, where the answer says it. */
  readonly retryAfterMs: number | undefined;

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
