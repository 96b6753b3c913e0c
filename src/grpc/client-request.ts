// The request that a client sent: as the server sees it, or as the edge states it. The edge proves itself by its secret.
import { timingSafeEqual } from 'node:crypto';
import { withoutMapping } from '../keys/index.ts';
import { type SignedRequestView, sha256Of, splitTarget } from '../signatures/index.ts';
import type { CallContext } from './call-context.ts';
import type { HeaderReader } from './header-reader.ts';

/** A request as its client sent it, directly or through the edge. */
export interface ClientRequest {
  /** What the client's signature covers. */
  readonly view: SignedRequestView;
  /** The SHA-256 of the body as the client sent it, computed at each call. */
  bodySha256(): Uint8Array;
  /** The client's address, as far as it can be trusted. */
  readonly clientAddress: string;
  /**
   * Identifies the client's connection as closely as is known: two clients at one address have different ones, unless a
   * proxy between sends for both. Behind an edge that states no connection it is the client's address.
   */
  readonly connection: string;
  /** The edge's own id of the request, the same when the edge retries; empty where no edge is between. */
  readonly edgeRequestId: string;
}

const SIGNED = [
  'signature-input',
  'signature',
  'content-digest',
  'x-user-id',
  'x-room-id',
  'idempotency-key',
] as const;

/** What is known of a call before its message has been received. */
export interface CallHeaders extends Pick<CallContext, 'path' | 'peer' | 'requestId'> {
  readonly metadata: HeaderReader;
}

/** Compares with the edge's secret in constant time, whatever the length of the claimed one. */
export function edgeSecretCheck(edgeSecret: string): (claimed: string | undefined) => boolean {
  const digestOf = (text: string) => sha256Of(Buffer.from(text));
  const expected = digestOf(edgeSecret);
  return (claimed) => claimed !== undefined && timingSafeEqual(digestOf(claimed), expected);
}

/**
 * Reads the client's request from a call. With the edge's secret the edge's statements count: the client's address, and for
 * REST the method and path before transcoding and the SHA-256 of the body. Without it those headers prove nothing.
 */
export function readClientRequest(
  call: CallHeaders & Pick<CallContext, 'bytes'>,
  isEdge: (claimed: string | undefined) => boolean,
): ClientRequest {
  const { metadata } = call;
  const one = (name: string): string | undefined => {
    const [value] = metadata.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const headers: Partial<Record<(typeof SIGNED)[number], readonly string[]>> = {};
  // Only headers whose names end with -bin hold bytes.
  for (const name of SIGNED) headers[name] = metadata.get(name) as readonly string[];
  const byServer = {
    method: 'POST',
    path: call.path,
    query: '',
    headers,
  };
  const ownSha256 = () => sha256Of(call.bytes);
  if (!isEdge(one('x-edge-secret'))) {
    const { peer } = call;
    return {
      view: byServer,
      bodySha256: ownSha256,
      clientAddress: addressOf(peer),
      connection: peer,
      edgeRequestId: '',
    };
  }
  const clientAddress = withoutMapping(one('x-client-ip') ?? '');
  const edgeRequestId = one('x-request-id') ?? '';
  const target = one('x-envoy-original-path');
  // An edge numbers its connections from 1 after each start, so numbers repeat, also between edges.
  const connection = `${clientAddress} ${addressOf(call.peer)} ${one('x-client-connection') ?? ''}`;
  const known = { clientAddress, connection, edgeRequestId };
  if (target === undefined) return { view: byServer, bodySha256: ownSha256, ...known };
  const byEdge = {
    method: one('x-envoy-original-method') ?? '',
    ...splitTarget(target),
    headers,
  };
  const statedSha256 = () => Buffer.from(one('x-amz-content-sha256') ?? '', 'hex');
  return { view: byEdge, bodySha256: statedSha256, ...known };
}

/** The address in `address:port`. */
export function addressOf(peer: string): string {
  return withoutMapping(peer.slice(0, peer.lastIndexOf(':')));
}
