// Refuses calls by their headers on the HTTP/2 stream, before grpc-js makes a call of it, which costs more than the check.
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { Metadata, type Server } from '@grpc/grpc-js';
import { InvariantError } from '../domain/error-fields.ts';
import { REASONS } from '../domain/reasons.ts';
import { Refusal } from '../domain/refusal.ts';
import { requestIdOf } from './call-context.ts';
import type { CallObserver } from './call-observer.ts';
import { addressOf } from './client-request.ts';
import { type Language, languageOf, statusOf } from './error-status.ts';
import type { Authenticator, RecordCall } from './interceptors/index.ts';

/** What grpc-js keeps to itself: how it takes a stream that a client opened. */
interface Inside {
  _streamHandler(interceptors: unknown, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void;
}

/** Who checks, and who is told. */
export interface EarlyRefusals {
  /** Paths of the calls that have to be signed. */
  readonly signedPaths: ReadonlySet<string>;
  readonly authenticator: Authenticator;
  readonly calls: CallObserver;
  readonly recordCall: RecordCall;
}

/** What stands before the path where the edge asks about the headers of a request (`signed_headers` in envoy.yaml). */
const HEADER_CHECK = '/check-headers';
const COMPRESSED = new Refusal('COMPRESSION_NOT_SUPPORTED');
const STRANGER = new Refusal('AUTHENTICATION_FAILED');

/**
 * Refuses COMPRESSION_NOT_SUPPORTED where a call says that its messages are compressed: grpc-js would inflate a kilobyte
 * to a megabyte before the signature is checked, and no request is worth compressing. Refuses AUTHENTICATION_FAILED to
 * suspects (`Suspects`) whose headers are enough for it. Every other call goes on to grpc-js, and is checked there as if
 * nothing had been checked here. The edge asks about the headers of requests over REST whose bodies are large, and gets 200
 * or 401. Call this before the server listens.
 */
export function refuseEarly(server: Server, refusals: EarlyRefusals): void {
  // Not part of grpc-js' interface: test/grpc/early-refusals.test.ts notices when an update moves it.
  const inside = server as unknown as Inside;
  const { _streamHandler: accept } = inside;
  if (typeof accept !== 'function')
    throw new InvariantError('this version of grpc-js takes streams elsewhere');
  inside._streamHandler = (interceptors, stream, headers) => {
    const startedAt = performance.now();
    const isGrpc = headers['content-type']?.startsWith('application/grpc');
    if (!isGrpc && headers[':path']?.startsWith(HEADER_CHECK)) {
      answerEdge(stream, headers, refusals, startedAt);
      return;
    }
    const refused = isGrpc ? refusalOf(stream, headers, refusals) : undefined;
    if (refused) {
      answer(stream, refused);
      tell(refusals, headers, refused.refusal, startedAt);
    } else {
      accept.call(server, interceptors, stream, headers);
    }
  };
}

function tell(
  { calls, recordCall }: EarlyRefusals,
  { ':path': path = '' }: IncomingHttpHeaders,
  { reason }: Refusal,
  startedAt: number,
): void {
  const { code, status } = REASONS[reason];
  const tookMs = performance.now() - startedAt;
  calls.began(path);
  calls.ended(path, status, tookMs / 1000, reason);
  recordCall(code, tookMs);
}

/** Whom the edge is told to let pass is checked once more, with the body; nothing is learnt here that is not learnt there. */
function answerEdge(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  refusals: EarlyRefusals,
  startedAt: number,
): void {
  const path = headers[':path']?.slice(HEADER_CHECK.length) ?? '';
  const metadata = Metadata.fromHttp2Headers({
    ...headers,
    'x-envoy-original-method': headers[':method'],
    'x-envoy-original-path': path,
  });
  const call = { path, metadata, peer: peerOf(stream), requestId: requestIdOf(metadata) };
  const isRefused = refusals.authenticator.isRefusedByHeaders(call);
  if (isRefused) tell(refusals, headers, STRANGER, startedAt);
  stream.on('error', () => {});
  stream.resume();
  stream.respond({ ':status': isRefused ? 401 : 200 }, { endStream: true });
}

function peerOf(stream: ServerHttp2Stream): string {
  const { remoteAddress, remotePort } = stream.session?.socket ?? {};
  return `${remoteAddress}:${remotePort}`;
}

/** A refusal, and what its answer needs of the call. */
interface Refused {
  readonly refusal: Refusal;
  readonly language: Language;
  readonly requestId: string;
}

function refusalOf(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { signedPaths, authenticator }: EarlyRefusals,
): Refused | undefined {
  const { 'grpc-encoding': encoding, ':path': path } = headers;
  if (encoding !== undefined && encoding !== 'identity') {
    const metadata = Metadata.fromHttp2Headers(headers);
    return { refusal: COMPRESSED, language: languageOf(metadata), requestId: requestIdOf(metadata) };
  }
  const { suspects } = authenticator;
  if (!suspects.isAny || path === undefined || !signedPaths.has(path)) return undefined;
  const peer = peerOf(stream);
  if (!suspects.has(addressOf(peer))) return undefined;
  const metadata = Metadata.fromHttp2Headers(headers);
  const requestId = requestIdOf(metadata);
  if (!authenticator.isRefusedByHeaders({ path, metadata, peer, requestId })) return undefined;
  return { refusal: STRANGER, language: languageOf(metadata), requestId };
}

/**
 * The answer waits for the end of the message, which is thrown away: clients that are answered before it reset their
 * stream, and a thousand resets end the connection that others may share (nghttp2's guard against rapid resets).
 */
function answer(stream: ServerHttp2Stream, { refusal, language, requestId }: Refused): void {
  const headers = { ...answerOf(refusal, language), 'x-request-id': requestId };
  // Without a listener a stream that its client breaks off would end the process.
  stream.on('error', () => {});
  stream.once('end', () => {
    if (!stream.destroyed) stream.respond(headers, { endStream: true });
  });
  stream.resume();
}

const answers = new Map<string, OutgoingHttpHeaders>();

/** The answer of one frame, as gRPC has it for calls without messages (Trailers-Only), written once for each language. */
function answerOf(refusal: Refusal, language: Language): OutgoingHttpHeaders {
  const name = `${refusal.reason} ${language}`;
  const known = answers.get(name);
  if (known) return known;
  const { code, details, metadata } = statusOf(refusal, language, '');
  const answer = {
    ':status': 200,
    'content-type': 'application/grpc+proto',
    'grpc-status': code,
    'grpc-message': encodeURI(details),
    // Also where nothing was compressed: the protocol demands it of UNIMPLEMENTED (gRPC, 'Compression').
    'grpc-accept-encoding': 'identity',
    ...metadata.toHttp2Headers(),
  };
  answers.set(name, answer);
  return answer;
}
