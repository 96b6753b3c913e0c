// Refusals by Envoy itself, in the shape of all refusals: google.rpc.Status with one ErrorInfo.
import { status as codes } from '@grpc/grpc-js';
import { ErrorInfo, LocalizedMessage, RetryInfo } from '../gen/ts/google/rpc/error_details.ts';
import { Status } from '../gen/ts/google/rpc/status.ts';
import { REASONS, type Reason, type ReasonEntry } from '../src/domain/reasons.ts';
import { type HeaderToAdd, header } from './answer-headers.ts';

interface Reply {
  readonly op: 'EQ' | 'GE';
  /** Envoy's own status. */
  readonly httpStatus: number;
  /** A text in Envoy's RESPONSE_CODE_DETAILS; any when undefined. */
  readonly details?: string;
  readonly reason: Reason;
  /** The status over REST, if it differs from httpStatus. */
  readonly answerStatus?: number;
  /** Replaces the text of the reason. */
  readonly text?: string;
  /** A header that the request must have. */
  readonly header?: object;
  /** Whether strict-rest.lua has put the field and its text into the stream's metadata. */
  readonly namesField?: boolean;
}

/** The transcoder's message about the JSON or the query; it only names fields of the contract. */
const TRANSCODER_MESSAGE = '%LOCAL_REPLY_BODY%';

/** The first match counts; the last ones match everything else. */
const REPLIES: readonly Reply[] = [
  // Refusals by strict-rest.lua, which answers 422 for a wrong field; callers get 400 for all.
  {
    op: 'EQ',
    httpStatus: 422,
    reason: 'INVALID_FIELD',
    answerStatus: 400,
    namesField: true,
  },
  {
    op: 'EQ',
    httpStatus: 400,
    details: 'lua',
    reason: 'MALFORMED_REQUEST',
    namesField: true,
  },
  {
    op: 'EQ',
    httpStatus: 400,
    details: 'grpc_json_transcode_failure',
    reason: 'MALFORMED_REQUEST',
    text: TRANSCODER_MESSAGE,
  },
  {
    op: 'EQ',
    httpStatus: 400,
    details: 'path_normalization_failed',
    reason: 'MALFORMED_REQUEST',
    text: 'the path is not well formed, or has an encoded slash or a fragment',
  },
  {
    op: 'EQ',
    httpStatus: 400,
    details: 'http1.unexpected_underscore',
    reason: 'MALFORMED_REQUEST',
    text: 'the name of a header has an underscore',
  },
  {
    op: 'EQ',
    httpStatus: 426,
    details: 'low_version',
    reason: 'MALFORMED_REQUEST',
    answerStatus: 400,
    text: 'this version of HTTP is not served; use HTTP/1.1 or HTTP/2',
  },
  {
    op: 'EQ',
    httpStatus: 400,
    details: 'missing_host_header',
    reason: 'MALFORMED_REQUEST',
    text: 'the host header is missing',
  },
  {
    op: 'EQ',
    httpStatus: 400,
    details: 'http1.codec_error',
    reason: 'MALFORMED_REQUEST',
    text: 'what came is not well-formed HTTP/1.1',
  },
  { op: 'EQ', httpStatus: 401, details: 'ext_authz_denied', reason: 'AUTHENTICATION_FAILED' },
  { op: 'EQ', httpStatus: 404, reason: 'ROUTE_NOT_FOUND' },
  { op: 'EQ', httpStatus: 408, reason: 'DEADLINE_EXCEEDED' },
  { op: 'EQ', httpStatus: 429, reason: 'RATE_LIMITED' },
  // An error inside strict-rest.lua.
  { op: 'EQ', httpStatus: 403, details: 'rbac_access_denied', reason: 'INTERNAL', answerStatus: 500 },
  { op: 'EQ', httpStatus: 413, reason: 'REQUEST_TOO_LARGE' },
  { op: 'EQ', httpStatus: 415, reason: 'UNSUPPORTED_CONTENT_TYPE' },
  { op: 'EQ', httpStatus: 431, reason: 'HEADERS_TOO_LARGE' },
  // A transfer-encoding that is not in HTTP.
  { op: 'EQ', httpStatus: 501, reason: 'MALFORMED_REQUEST', answerStatus: 400 },
  { op: 'EQ', httpStatus: 502, reason: 'UNAVAILABLE', answerStatus: 503 },
  { op: 'EQ', httpStatus: 503, reason: 'UNAVAILABLE' },
  { op: 'EQ', httpStatus: 504, reason: 'DEADLINE_EXCEEDED' },
  { op: 'GE', httpStatus: 500, reason: 'INTERNAL', answerStatus: 500 },
  { op: 'GE', httpStatus: 400, reason: 'MALFORMED_REQUEST', answerStatus: 400 },
];

type Language = 'en' | 'ko';

/** A reply in one language. */
interface LocalizedReply extends Reply {
  readonly language: Language;
}

const RETRYABLE: ReadonlySet<Reason> = new Set(['UNAVAILABLE', 'RATE_LIMITED']);
/** The retry delay of refusals that are temporary. */
const RETRY_AFTER_SECONDS = 1;
const TYPE = 'type.googleapis.com/google.rpc';

/** local_reply_config of the REST listener: the status as JSON, like the transcoder prints the server's. */
export function restReplies(everyAnswer: readonly HeaderToAdd[]): object {
  return { mappers: spoken(REPLIES).map((reply) => jsonMapper(reply, [], everyAnswer)) };
}

/**
 * local_reply_config of the gRPC listener: the status as trailers, with its details. Requests that are not gRPC are
 * answered in JSON.
 */
export function grpcReplies(): object {
  const adapted = [COMPRESSED, ...REPLIES.map((reply) => ({ ...reply, ...OVER_GRPC[reply.reason] }))];
  const asTrailers = (reply: LocalizedReply) => ({
    filter: filterOf(reply),
    body_format_override: { text_format_source: { inline_string: textOf(reply) } },
    headers_to_add: [...statusHeaders(reply), ...retryHeaders(reply)],
  });
  return {
    mappers: [
      ...spoken(adapted).map((reply) => jsonMapper(reply, [IS_NO_GRPC], [])),
      ...spoken(adapted).map(asTrailers),
    ],
  };
}

/** A call with compressed messages. 404 is the only HTTP status that becomes UNIMPLEMENTED over gRPC. */
const COMPRESSED: Reply = {
  op: 'EQ',
  httpStatus: 404,
  reason: 'COMPRESSION_NOT_SUPPORTED',
  header: {
    name: 'grpc-encoding',
    string_match: { exact: 'identity' },
    invert_match: true,
  },
};

/** The replies that differ on the gRPC listener. */
const OVER_GRPC: Partial<Record<Reason, Partial<Reply>>> = {
  ROUTE_NOT_FOUND: { reason: 'METHOD_NOT_FOUND' },
  UNSUPPORTED_CONTENT_TYPE: { text: 'only gRPC and gRPC-Web are served here' },
};

const IS_NO_GRPC = {
  header_filter: {
    header: {
      name: 'content-type',
      string_match: { prefix: 'application/grpc' },
      invert_match: true,
      treat_missing_header_as_empty: true,
    },
  },
};

function jsonMapper(
  reply: LocalizedReply,
  filters: readonly object[],
  everyAnswer: readonly HeaderToAdd[],
): object {
  return {
    filter: filterOf(reply, filters),
    ...(reply.answerStatus !== undefined && { status_code: reply.answerStatus }),
    body_format_override: { json_format: jsonOf(reply) },
    // Requests that are refused before the filters get their headers only here.
    headers_to_add: [...retryHeaders(reply), ...everyAnswer],
  };
}

/** The answer to a gRPC call on the REST listener. */
export function grpcElsewhere(): object[] {
  const reply = { op: 'EQ', httpStatus: 415, reason: 'UNSUPPORTED_CONTENT_TYPE', language: 'en' } as const;
  return [...statusHeaders(reply), header('grpc-message', textOf(reply))].map((append) => ({ append }));
}

/** Each reply in Korean for accept-language ko, and in English otherwise. */
function spoken(replies: readonly Reply[]): LocalizedReply[] {
  return replies.flatMap((reply) => [
    { ...reply, language: 'ko' as const },
    { ...reply, language: 'en' as const },
  ]);
}

function filterOf(
  { op, httpStatus, details, header, language }: LocalizedReply,
  more: readonly object[] = [],
): object {
  const value = { default_value: httpStatus, runtime_key: `local_reply.${op}.${httpStatus}` };
  const filters: object[] = [{ status_code_filter: { comparison: { op, value } } }, ...more];
  if (details !== undefined) filters.push(detailsFilter(details));
  if (header !== undefined) filters.push({ header_filter: { header } });
  if (language === 'ko') filters.push(...ASKS_FOR_KOREAN);
  return filters.length === 1 ? (filters[0] ?? {}) : { and_filter: { filters } };
}

function detailsFilter(part: string): object {
  return {
    extension_filter: {
      name: 'envoy.access_loggers.extension_filters.cel',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
        expression: `response.code_details.contains('${part}')`,
      },
    },
  };
}

/** Matches accept-language like the server: the first supported language counts. */
const ASKS_FOR_KOREAN: readonly object[] = [
  acceptLanguage('(?i)(.*[^a-z])?ko([^a-z].*)?'),
  acceptLanguage('(?i)(.*[^a-z])?en[^a-z](.*[^a-z])?ko([^a-z].*)?', { invert_match: true }),
];

function acceptLanguage(regex: string, more: object = {}): object {
  const match = { name: 'accept-language', string_match: { safe_regex: { regex } }, ...more };
  return { header_filter: { header: match } };
}

function entryOf({ reason }: Reply): ReasonEntry {
  return REASONS[reason];
}

function textOf(reply: Reply): string {
  return reply.text ?? entryOf(reply).en;
}

function retryHeaders(reply: Reply): HeaderToAdd[] {
  return RETRYABLE.has(reply.reason) ? [header('retry-after', String(RETRY_AFTER_SECONDS))] : [];
}

function jsonOf(reply: LocalizedReply): object {
  const entry = entryOf(reply);
  const details: object[] = [
    { '@type': `${TYPE}.ErrorInfo`, reason: reply.reason, domain: 'ppuri', metadata: { code: entry.code } },
  ];
  if (RETRYABLE.has(reply.reason)) {
    details.push({ '@type': `${TYPE}.RetryInfo`, retry_delay: `${RETRY_AFTER_SECONDS}s` });
  }
  const { language: locale } = reply;
  if (reply.namesField) {
    const fromMetadata = (name: string) => `%DYNAMIC_METADATA(ppuri.rest:${name})%`;
    const localized = locale === 'en' ? {} : { localized_message: { locale, message: fromMetadata(locale) } };
    const violation = { field: fromMetadata('field'), description: TRANSCODER_MESSAGE, reason: reply.reason };
    details.push({ '@type': `${TYPE}.BadRequest`, field_violations: [{ ...violation, ...localized }] });
  }
  details.push({ '@type': `${TYPE}.LocalizedMessage`, locale, message: entry[locale] });
  return { code: codes[entry.status], message: textOf(reply), details };
}

function statusHeaders(reply: LocalizedReply): HeaderToAdd[] {
  const { code, status, en, [reply.language]: text } = entryOf(reply);
  const info = { reason: reply.reason, domain: 'ppuri', metadata: { code } };
  const details = [any('ErrorInfo', ErrorInfo.encode(info).finish())];
  if (RETRYABLE.has(reply.reason)) {
    const retryDelay = { seconds: BigInt(RETRY_AFTER_SECONDS), nanos: 0 };
    details.push(any('RetryInfo', RetryInfo.encode({ retryDelay }).finish()));
  }
  const localized = { locale: reply.language, message: text };
  details.push(any('LocalizedMessage', LocalizedMessage.encode(localized).finish()));
  const bytes = Status.encode({ code: codes[status], message: en, details }).finish();
  return [
    header('grpc-status', String(codes[status])),
    header('grpc-status-details-bin', Buffer.from(bytes).toString('base64')),
  ];
}

function any(type: string, value: Uint8Array) {
  return { typeUrl: `${TYPE}.${type}`, value: Buffer.from(value) };
}
