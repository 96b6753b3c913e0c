// Loads a REST API over HTTP/1.1 connections that are kept open: ours with signed calls, any other with plain ones.
import { randomInt, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { type Answer, type Ledger, nth } from './ledger.ts';
import { signedCallAt } from './signed.ts';
import type { PlainCall, Target, Work } from './work.ts';

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Opens as many connections as are needed, up to those that the work allows. */
export function openRest(target: Extract<Target, { kind: 'rest' | 'plain-rest' }>, work: Work): Ledger {
  const agent = new Agent({ keepAlive: true, maxSockets: work.connections });
  const { hostname: host, port } = new URL(target.url);
  const at =
    target.kind === 'rest'
      ? (n: number) => signedRequestAt(target, n)
      : (n: number) => signed(fill(nth(target.calls, n), n), target.key);
  const send = ({ method, path, headers, body }: WireRequest) =>
    new Promise<Answer>((resolve) => {
      const outgoing = request({ agent, host, port, method, path, headers, timeout: work.timeoutMs });
      outgoing.once('timeout', () => outgoing.destroy(new Error('no answer in time')));
      outgoing.once('error', (error) => resolve(error.message));
      outgoing.once('response', (response) => {
        const good = response.statusCode !== undefined && response.statusCode < 300;
        let text = '';
        if (good) response.resume();
        else response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.once('end', () => resolve(good ? undefined : wordsOf(response.statusCode, text)));
        response.once('error', (error) => resolve(error.message));
      });
      outgoing.end(body);
    });
  return {
    ready: (n) => {
      const wire = at(n);
      return () => send(wire);
    },
    close: () => agent.destroy(),
  };
}

function signedRequestAt(target: Extract<Target, { kind: 'rest' }>, n: number): WireRequest {
  const { call, headers } = signedCallAt(target, n);
  const { method, path, body } = call;
  if (body.length === 0) return { method, path, headers, body };
  const length = String(body.length);
  return {
    method,
    path,
    body,
    headers: { ...headers, 'content-type': 'application/json', 'content-length': length },
  };
}

/** With a key, the request as our signature wants it: over who acts, for what, and the body. */
function signed(request: WireRequest, key: SigningKey | undefined): WireRequest {
  if (!key) return request;
  const { method, path: target, headers, body } = request;
  const identity = {
    userId: headers['x-user-id'],
    roomId: headers['x-room-id'],
    idempotencyKey: headers['idempotency-key'],
  };
  return { ...request, headers: { ...headers, ...signedHeaders({ method, target, body }, identity, key) } };
}

/** Fills in what differs from call to call: `{uuid}`, `{n}`, and `{random:1-1000}` for a whole number. */
function fill(call: PlainCall, n: number): WireRequest {
  const filled = (text: string) =>
    text.replaceAll(/\{(uuid|n|random:(\d+)-(\d+))\}/g, (_match, what: string, from: string, to: string) => {
      if (what === 'uuid') return randomUUID();
      return what === 'n' ? String(n) : String(randomInt(Number(from), Number(to) + 1));
    });
  const body = Buffer.from(filled(call.body), 'utf8');
  const headers = Object.fromEntries(
    Object.entries(call.headers).map(([name, value]) => [name, filled(value)] as const),
  );
  return {
    method: call.method,
    path: filled(call.path),
    headers: body.length > 0 ? { ...headers, 'content-length': String(body.length) } : headers,
    body,
  };
}

function wordsOf(status: number | undefined, text: string): string {
  const reason = /"reason": ?"([A-Z_]+)"/.exec(text)?.[1];
  return `${status} ${reason ?? text.slice(0, 80)}`;
}
