// The gRPC status of a refusal: google.rpc.Status with one ErrorInfo, and BadRequest, RetryInfo and LocalizedMessage.
import { status as codes, Metadata, type StatusObject } from '@grpc/grpc-js';
import type { PartialStatusObject } from '@grpc/grpc-js/build/src/call-interface.js';
import {
  BadRequest,
  ErrorInfo,
  LocalizedMessage,
  QuotaFailure,
  RetryInfo,
} from '../../gen/ts/google/rpc/error_details.ts';
import { Status } from '../../gen/ts/google/rpc/status.ts';
import { REASONS, type Reason } from '../domain/reasons.ts';
import { Refusal } from '../domain/refusal.ts';
import type { HeaderReader } from './header-reader.ts';

/** The maximum number of field violations in an answer. They are sent in a header, and a list may have 1,000 wrong items. */
const MAX_VIOLATIONS = 20;

/** The languages of error messages. */
export type Language = 'en' | 'ko';

/** The first language in accept-language that error messages exist in; English without one. */
export function languageOf(headers: HeaderReader): Language {
  const [accepted] = headers.get('accept-language');
  const first = /\b(en|ko)\b/i.exec(String(accepted ?? ''));
  return first?.[1]?.toLowerCase() === 'ko' ? 'ko' : 'en';
}

/** The status of a refusal. */
export function statusOf(refusal: Refusal, language: Language, requestId: string): StatusObject {
  const entry = REASONS[refusal.reason];
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', cachedDetails(refusal, language));
  if (requestId) metadata.set('x-request-id', requestId);
  if (refusal.retryAfterMs !== undefined) {
    metadata.set('retry-after', String(Math.ceil(refusal.retryAfterMs / 1000)));
  }
  return { code: codes[entry.status], details: entry.en, metadata };
}

/** Encoded details, for refusals that are thrown many times. */
const remembered = new WeakMap<Refusal, Map<Language, Buffer>>();

function cachedDetails(refusal: Refusal, language: Language): Buffer {
  const written = remembered.get(refusal) ?? new Map<Language, Buffer>();
  const details = written.get(language) ?? detailsOf(refusal, language);
  remembered.set(refusal, written.set(language, details));
  return details;
}

function detailsOf(refusal: Refusal, language: Language): Buffer {
  const entry = REASONS[refusal.reason];
  const any = (type: string, value: Uint8Array) => ({
    typeUrl: `type.googleapis.com/google.rpc.${type}`,
    value: Buffer.from(value),
  });
  // Never an empty value: Envoy's transcoder crashes on a map entry whose value is not on the wire.
  const info = {
    reason: refusal.reason,
    domain: 'ppuri',
    metadata: { ...refusal.metadata, code: entry.code },
  };
  const details = [any('ErrorInfo', ErrorInfo.encode(info).finish())];
  if (refusal.violations.length > 0) {
    const fieldViolations = refusal.violations.slice(0, MAX_VIOLATIONS).map(({ field, description }) => ({
      field,
      // For developers; localizedMessage is for users (google.rpc.BadRequest).
      description: description.en,
      reason: refusal.reason,
      localizedMessage: language === 'en' ? undefined : { locale: language, message: description[language] },
    }));
    details.push(any('BadRequest', BadRequest.encode({ fieldViolations }).finish()));
  }
  if (refusal.retryAfterMs !== undefined) {
    const seconds = Math.floor(refusal.retryAfterMs / 1000);
    const nanos = (refusal.retryAfterMs % 1000) * 1_000_000;
    details.push(
      any('RetryInfo', RetryInfo.encode({ retryDelay: { seconds: BigInt(seconds), nanos } }).finish()),
    );
  }
  if (refusal.quota !== undefined) {
    const violation = { subject: refusal.quota, description: entry.en };
    details.push(
      any(
        'QuotaFailure',
        QuotaFailure.encode(QuotaFailure.fromPartial({ violations: [violation] })).finish(),
      ),
    );
  }
  const words = { locale: language, message: entry[language] };
  details.push(any('LocalizedMessage', LocalizedMessage.encode(words).finish()));
  return Buffer.from(Status.encode({ code: codes[entry.status], message: entry.en, details }).finish());
}

/** The reason in a status's details; undefined for OK. */
export function reasonOf({ code, metadata }: PartialStatusObject): Reason | undefined {
  if (code === codes.OK) return undefined;
  const [details] = metadata?.get('grpc-status-details-bin') ?? [];
  const [info] = Buffer.isBuffer(details) ? Status.decode(details).details : [];
  const { reason } = ErrorInfo.decode(info?.value ?? Buffer.alloc(0));
  return reason in REASONS ? (reason as Reason) : undefined;
}

/** Reasons for statuses that grpc-js sends itself. */
const REASON_BY_CODE: Partial<Record<codes, Reason>> = {
  [codes.CANCELLED]: 'CANCELLED',
  [codes.INVALID_ARGUMENT]: 'MALFORMED_REQUEST',
  [codes.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
  // From the health service, for an unknown service.
  [codes.NOT_FOUND]: 'SERVICE_NOT_FOUND',
  [codes.RESOURCE_EXHAUSTED]: 'MESSAGE_TOO_LARGE',
  [codes.UNAUTHENTICATED]: 'AUTHENTICATION_FAILED',
  [codes.UNIMPLEMENTED]: 'METHOD_NOT_FOUND',
  [codes.UNAVAILABLE]: 'UNAVAILABLE',
};

/** Adds details to a status that grpc-js made. Every status but OK has details. */
export function withDetails(status: PartialStatusObject): PartialStatusObject {
  if (status.code === codes.OK) return status;
  if (status.metadata && status.metadata.get('grpc-status-details-bin').length > 0) return status;
  return statusOf(new Refusal(REASON_BY_CODE[status.code] ?? 'INTERNAL'), 'en', '');
}
