// What Envoy itself says no with, in the one shape that every no has: google.rpc.Status with one ErrorInfo.
import { status as codes } from '@grpc/grpc-js';
import { ErrorInfo } from '../gen/ts/google/rpc/error_details.ts';
import { Status } from '../gen/ts/google/rpc/status.ts';
import { REASONS, type Reason, type ReasonEntry } from '../src/domain/reasons.ts';

interface Reply {
  readonly op: 'EQ' | 'GE';
  readonly httpStatus: number;
  readonly reason: Reason;
  /** Says what Envoy has to say about the request instead of the reason's own words. */
  readonly envoysWords?: true;
}

/** The first that fits counts; the two at the end catch what nobody has thought of. */
const REPLIES: readonly Reply[] = [
  { op: 'EQ', httpStatus: 400, reason: 'MALFORMED_REQUEST', envoysWords: true },
  { op: 'EQ', httpStatus: 404, reason: 'NO_SUCH_ROUTE' },
  { op: 'EQ', httpStatus: 408, reason: 'DEADLINE_EXCEEDED' },
  { op: 'EQ', httpStatus: 413, reason: 'REQUEST_TOO_LARGE' },
  { op: 'EQ', httpStatus: 415, reason: 'UNSUPPORTED_CONTENT_TYPE' },
  { op: 'EQ', httpStatus: 431, reason: 'HEADERS_TOO_LARGE' },
  { op: 'EQ', httpStatus: 502, reason: 'UNAVAILABLE' },
  { op: 'EQ', httpStatus: 503, reason: 'UNAVAILABLE' },
  { op: 'EQ', httpStatus: 504, reason: 'DEADLINE_EXCEEDED' },
  { op: 'GE', httpStatus: 500, reason: 'INTERNAL' },
  { op: 'GE', httpStatus: 400, reason: 'MALFORMED_REQUEST', envoysWords: true },
];

/** What waiting helps with is worth trying again after this. */
const RETRY_AFTER_SECONDS = 1;
const TYPE = 'type.googleapis.com/google.rpc';

/** local_reply_config of the REST listener: the status as JSON, as the transcoder prints the server's. */
export function restReplies(): object {
  return { mappers: REPLIES.map((reply) => ({ ...matching(reply), ...asJson(reply) })) };
}

/** local_reply_config of the gRPC listener: the status as trailers, with its details for those who read them. */
export function grpcReplies(): object {
  const replies = REPLIES.map((reply) =>
    // Over gRPC what does not exist is a method, not a path.
    reply.reason === 'NO_SUCH_ROUTE' ? { ...reply, reason: 'NO_SUCH_METHOD' as const } : reply,
  );
  return { mappers: replies.map((reply) => ({ ...matching(reply), ...asTrailers(reply) })) };
}

/** What a gRPC call to the REST listener is answered with. */
export function grpcElsewhere(): object[] {
  const reply = { op: 'EQ', httpStatus: 415, reason: 'UNSUPPORTED_CONTENT_TYPE' } as const;
  return [...statusHeaders(reply), header('grpc-message', entryOf(reply).en)].map((append) => ({ append }));
}

function matching({ op, httpStatus }: Reply): object {
  const value = { default_value: httpStatus, runtime_key: `local_reply.${op}.${httpStatus}` };
  return { filter: { status_code_filter: { comparison: { op, value } } } };
}

function entryOf({ reason }: Reply): ReasonEntry {
  return REASONS[reason];
}

function wordsOf(reply: Reply): string {
  return reply.envoysWords ? '%LOCAL_REPLY_BODY%' : entryOf(reply).en;
}

function header(key: string, value: string): object {
  return { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
}

function waitHeaders(reply: Reply): object[] {
  return reply.reason === 'UNAVAILABLE' ? [header('retry-after', String(RETRY_AFTER_SECONDS))] : [];
}

function asJson(reply: Reply): object {
  const { code, status } = entryOf(reply);
  const details: object[] = [
    { '@type': `${TYPE}.ErrorInfo`, reason: reply.reason, domain: 'ppuri', metadata: { code } },
  ];
  if (reply.reason === 'UNAVAILABLE') {
    details.push({ '@type': `${TYPE}.RetryInfo`, retry_delay: `${RETRY_AFTER_SECONDS}s` });
  }
  return {
    body_format_override: { json_format: { code: codes[status], message: wordsOf(reply), details } },
    headers_to_add: waitHeaders(reply),
  };
}

function asTrailers(reply: Reply): object {
  return {
    body_format_override: { text_format_source: { inline_string: wordsOf(reply) } },
    headers_to_add: [...statusHeaders(reply), ...waitHeaders(reply)],
  };
}

function statusHeaders(reply: Reply): object[] {
  const { code, status, en } = entryOf(reply);
  const info = { reason: reply.reason, domain: 'ppuri', metadata: { code } };
  const detail = { typeUrl: `${TYPE}.ErrorInfo`, value: Buffer.from(ErrorInfo.encode(info).finish()) };
  const details = Status.encode({ code: codes[status], message: en, details: [detail] }).finish();
  return [
    header('grpc-status', String(codes[status])),
    header('grpc-status-details-bin', Buffer.from(details).toString('base64')),
  ];
}
