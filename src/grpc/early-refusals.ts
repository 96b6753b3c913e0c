// Refuses calls by their headers on the HTTP/2 stream, before grpc-js makes a call of it, which would cost more.
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { InvariantError } from '../domain/error-fields.ts';
import { REASONS } from '../domain/reasons.ts';
import { Refusal } from '../domain/refusal.ts';
import { requestIdOf } from './call-context.ts';
import type { CallObserver } from './call-observer.ts';
import { addressOf } from './client-request.ts';
import { type Language, languageOf, statusOf } from './error-status.ts';
import { http2HeaderReader } from './header-reader.ts';
import type { Authenticator, RecordCall } from './interceptors/index.ts';

/** Private methods of the server of grpc-js: how it handles a stream that a client opened. */
interface ServerInternals {
  _streamHandler(interceptors: unknown, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void;
}

/** What early refusals depend on. */
export interface EarlyRefusals {
  /** Paths of the RPCs that require a signature. */
  readonly signedPaths: ReadonlySet<string>;
  readonly authenticator: Authenticator;
  readonly calls: CallObserver;
  readonly recordCall: RecordCall;
}

/** The prefix of the path when the edge asks for a check of headers (ext_authz, `signed_headers` in envoy.yaml). */
const HEADER_CHECK = '/check-headers';
const COMPRESSED = new Refusal('COMPRESSION_NOT_SUPPORTED');
const UNAUTHENTICATED = new Refusal('AUTHENTICATION_FAILED');

/**
 * Refuses COMPRESSION_NOT_SUPPORTED for compressed messages: grpc-js would inflate a kilobyte to a megabyte before the
 * signature is checked, and no request is worth compressing. Refuses AUTHENTICATION_FAILED for calls from suspects
 * (`Suspects`) whose headers show that they fail. All other calls go on to grpc-js, where everything is checked again.
 * Answers the edge, which asks for the headers of REST requests with large bodies, with 200 or 401. Has to be called before
 * the server listens.
 */
export function refuseEarly(server: Server, refusals: EarlyRefusals): void {
  // Not part of grpc-js' API; test/grpc/early-refusals.test.ts fails when an update moves it.
  const internals = server as unknown as ServerInternals;
  const { _streamHandler: accept } = internals;
  if (typeof accept !== 'function')
    throw new InvariantError('this version of grpc-js takes streams elsewhere');
  internals._streamHandler = (interceptors, stream, headers) => {
    const startedAt = performance.now();
    const isGrpc = headers['content-type']?.startsWith('application/grpc');
    if (!isGrpc && headers[':path']?.startsWith(HEADER_CHECK)) {
      answerEdge(stream, headers, refusals, startedAt);
      return;
    }
    const refused = isGrpc ? refusalOf(stream, headers, refusals) : undefined;
    if (refused) {
      answer(stream, refused);
      report(refusals, headers, refused.refusal, startedAt);
    } else {
      accept.call(server, interceptors, stream, headers);
    }
  };
}

function report(
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

/** A request that passes is authenticated again with its body, so this answer reveals nothing that the later one does not. */
function answerEdge(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  refusals: EarlyRefusals,
  startedAt: number,
): void {
  const path = headers[':path']?.slice(HEADER_CHECK.length) ?? '';
  const metadata = http2HeaderReader({
    ...headers,
    'x-envoy-original-method': headers[':method'],
    'x-envoy-original-path': path,
  });
  const call = { path, metadata, peer: peerOf(stream), requestId: requestIdOf(metadata) };
  const isRefused = refusals.authenticator.isRefusedByHeaders(call);
  if (isRefused) report(refusals, headers, UNAUTHENTICATED, startedAt);
  stream.on('error', () => {});
  stream.resume();
  stream.respond({ ':status': isRefused ? 401 : 200 }, { endStream: true });
}

function peerOf(stream: ServerHttp2Stream): string {
  const { remoteAddress, remotePort } = stream.session?.socket ?? {};
  return `${remoteAddress}:${remotePort}`;
}

/** A refusal, and the fields of the call that its answer depends on. */
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
    const metadata = http2HeaderReader(headers);
    return { refusal: COMPRESSED, language: languageOf(metadata), requestId: requestIdOf(metadata) };
  }
  const { suspects } = authenticator;
  if (!suspects.isAny || path === undefined || !signedPaths.has(path)) return undefined;
  const peer = peerOf(stream);
  const address = addressOf(peer);
  if (!suspects.has(address)) return undefined;
  const metadata = http2HeaderReader(headers);
  const requestId = requestIdOf(metadata);
  if (!authenticator.isRefusedByHeaders({ path, metadata, peer, requestId })) {
    suspects.wasValid(address);
    return undefined;
  }
  return { refusal: UNAUTHENTICATED, language: languageOf(metadata), requestId };
}

/**
 * Answers after the end of the message, which is discarded. A client that is answered earlier resets its stream, and nghttp2
 * closes a connection, which others may share, after a thousand resets (its guard against rapid reset).
 */
function answer(stream: ServerHttp2Stream, { refusal, language, requestId }: Refused): void {
  const headers = [...answerOf(refusal, language), 'x-request-id', requestId];
  // Without a listener, a stream that its client resets would end the process.
  stream.on('error', () => {});
  stream.once('end', () => {
    if (!stream.destroyed) stream.respond(headers, { endStream: true });
  });
  stream.resume();
}

const answers = new Map<string, readonly string[]>();

/** A Trailers-Only response, encoded once for each reason and language: names and values of its headers in turn. */
function answerOf(refusal: Refusal, language: Language): readonly string[] {
  const name = `${refusal.reason} ${language}`;
  const known = answers.get(name);
  if (known) return known;
  const { code, details, metadata } = statusOf(refusal, language, '');
  const headers = {
    ':status': 200,
    'content-type': 'application/grpc+proto',
    'grpc-status': code,
    'grpc-message': encodeURI(details),
    // Required with UNIMPLEMENTED for a compressed message (gRPC, 'Compression').
    'grpc-accept-encoding': 'identity',
    ...metadata.toHttp2Headers(),
  };
  // Node copies an object of headers before it encodes it, and takes a list as it is.
  const answer = Object.entries(headers).flat().map(String);
  answers.set(name, answer);
  return answer;
}
