// What was received and from where: seen by the server itself, or stated by the edge, which is believed by its secret.
import { timingSafeEqual } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import { withoutMapping } from '../keys/networks.ts';
import { type ReceivedHeaders, sha256Of, splitTarget } from '../signatures/index.ts';

/** A request as its sender sent it, whatever way it took. */
export interface Received {
  readonly request: ReceivedHeaders;
  /** The SHA-256 of the body as its sender sent it. It is worked out when asked for. */
  bodySha256(): Uint8Array;
  /** The client's address, as far as it can be trusted. */
  readonly clientAddress: string;
  /**
   * Names the connection that it came over, as close to its sender as can be known: two senders with one address have
   * different ones, unless a proxy between sends for both. Behind an edge that does not tell, the client's address.
   */
  readonly connection: string;
  /** The edge's own id of the request, the same when the edge tries again; empty where no edge is between. */
  readonly edgeRequestId: string;
}

/** What is known of a call before anything of it is believed. */
export interface Arrival {
  readonly path: string;
  readonly metadata: Metadata;
  readonly bytes: Buffer;
  /** `address:port` of the other end of the connection. */
  readonly peer: string;
}

const SIGNED = [
  'signature-input',
  'signature',
  'content-digest',
  'x-user-id',
  'x-room-id',
  'idempotency-key',
] as const;

/** Compares with the edge's secret in constant time, whatever the length of what was sent. */
export function edgeCheck(edgeSecret: string): (claimed: string | undefined) => boolean {
  const digestOf = (text: string) => sha256Of(Buffer.from(text));
  const expected = digestOf(edgeSecret);
  return (claimed) => claimed !== undefined && timingSafeEqual(digestOf(claimed), expected);
}

/**
 * Reads what was received. Beside the edge's secret, what the edge states counts: the client's address, and for REST
 * the method and path before transcoding and the SHA-256 of the body. Without it these headers are anybody's words.
 */
export function readReceived(arrival: Arrival, isEdge: (claimed: string | undefined) => boolean): Received {
  const { metadata } = arrival;
  const one = (name: string): string | undefined => {
    const [value] = metadata.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const headers: Partial<Record<(typeof SIGNED)[number], readonly string[]>> = {};
  // Only headers whose names end with -bin hold bytes.
  for (const name of SIGNED) headers[name] = metadata.get(name) as string[];
  const byServer = {
    method: 'POST',
    path: arrival.path,
    query: '',
    headers,
  };
  const ownSha256 = () => sha256Of(arrival.bytes);
  if (!isEdge(one('x-edge-secret'))) {
    const { peer } = arrival;
    return {
      request: byServer,
      bodySha256: ownSha256,
      clientAddress: addressOf(peer),
      connection: peer,
      edgeRequestId: '',
    };
  }
  const clientAddress = withoutMapping(one('x-client-ip') ?? '');
  const edgeRequestId = one('x-request-id') ?? '';
  const target = one('x-envoy-original-path');
  // The edge's own numbers of connections repeat when it starts anew, and another edge has the same ones.
  const connection = `${clientAddress} ${addressOf(arrival.peer)} ${one('x-client-connection') ?? ''}`;
  const known = { clientAddress, connection, edgeRequestId };
  if (target === undefined) return { request: byServer, bodySha256: ownSha256, ...known };
  const byEdge = {
    method: one('x-envoy-original-method') ?? '',
    ...splitTarget(target),
    headers,
  };
  const statedSha256 = () => Buffer.from(one('x-amz-content-sha256') ?? '', 'hex');
  return { request: byEdge, bodySha256: statedSha256, ...known };
}

function addressOf(peer: string): string {
  return withoutMapping(peer.slice(0, peer.lastIndexOf(':')));
}
