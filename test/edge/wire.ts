// Requests exactly as written: what tidies paths, headers and signatures for honest callers stays out of the way.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { makeKey } from '../keys.ts';
import type { Stack } from '../stack.ts';

/** A request over HTTP/1.1. */
export interface Sent {
  readonly method?: string;
  /** The path with its query, sent as it is. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
  /** The address that it comes from; 127.0.0.1 when left out. */
  readonly from?: string;
}

/** What came back. */
export interface Came {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The reason of the ErrorInfo; empty where there is none. */
  readonly reason: string;
}

/** Sends one request. Rejects when the connection ends without an answer. */
export function send(url: string, { method = 'GET', target, headers = {}, body, from }: Sent): Promise<Came> {
  const { hostname, port } = new URL(url);
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const options = {
      hostname,
      port,
      method,
      path: target,
      headers: { ...length, ...headers },
      agent: false,
      ...(from !== undefined && { localAddress: from }),
    };
    const outgoing = request(options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const { statusCode = 0, headers: came } = answer;
        resolve({ status: statusCode, headers: came, text, reason: reasonIn(text) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function reasonIn(text: string): string {
  return /"reason":\s*"([A-Z_]+)"/.exec(text)?.[1] ?? '';
}

/** Calls a path over gRPC with these bytes and headers; the error, or undefined when it was answered OK. */
export function callGrpc(
  address: string,
  path: string,
  headers: Readonly<Record<string, string | string[]>>,
  bytes: Buffer = Buffer.alloc(0),
): Promise<PpuriError | undefined> {
  const client = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  for (const [name, values] of Object.entries(headers)) {
    for (const value of [values].flat()) metadata.add(name, value);
  }
  const asIs = (message: Buffer) => message;
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + 10_000 };
    client.makeUnaryRequest(path, asIs, asIs, bytes, metadata, options, (error: ServiceError | null) => {
      client.close();
      resolve(error ? PpuriError.ofGrpc(error) : undefined);
    });
  });
}

/** How many calls the edge has sent on to servers since it was started. */
export async function sentOn(adminUrl: string): Promise<number> {
  const answer = await fetch(`${adminUrl}/stats?filter=^cluster\\.server\\.upstream_rq_total$`);
  return Number((await answer.text()).split(':')[1]);
}

/** How often a stack of `startStack(FRESH_KEYS)` reads its keys. */
export const FRESH_KEYS = { keyRefreshMs: 100 };

/** Makes another key for a running stack, which knows it once this resolves. */
export async function anotherKey(
  stack: Stack,
  wish: Parameters<typeof makeKey>[1] = {},
): Promise<SigningKey> {
  const key = await makeKey(stack.database, wish);
  // A change of another key makes the server read all of them.
  const { keyId } = await makeKey(stack.database);
  const changed = await stack.grpc.call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: keyId });
  assert.equal(changed.status, 0, changed.reason);
  return key;
}
