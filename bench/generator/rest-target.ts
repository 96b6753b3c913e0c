// Calls a REST API over HTTP/1.1 with keep-alive: ppuri with signed calls, any other with plain ones.
import { randomInt, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import type { PlainCall, Target, WorkerTask } from './protocol.ts';
import { type Answer, nth, signedCallAt, type TargetClient } from './target.ts';

/** A request as it is sent. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Opens connections as they are needed, up to those of the task. */
export function createRestTarget(
  target: Extract<Target, { kind: 'rest' | 'plain-rest' }>,
  task: WorkerTask,
): TargetClient {
  const agent = new Agent({ keepAlive: true, maxSockets: task.connections });
  const { hostname: host, port } = new URL(target.url);
  const at =
    target.kind === 'rest'
      ? (n: number) => signedRequestAt(target, n)
      : (n: number) => signed(fill(nth(target.calls, n), n), target.key);
  const send = ({ method, path, headers, body }: WireRequest) =>
    new Promise<Answer>((resolve) => {
      const outgoing = request({ agent, host, port, method, path, headers, timeout: task.timeoutMs });
      outgoing.once('timeout', () => outgoing.destroy(new Error('no answer in time')));
      outgoing.once('error', (error) => resolve(error.message));
      outgoing.once('response', (response) => {
        const good = response.statusCode !== undefined && response.statusCode < 300;
        let text = '';
        if (good) response.resume();
        else response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.once('end', () => resolve(good ? undefined : reasonOf(response.statusCode, text)));
        response.once('error', (error) => resolve(error.message));
      });
      outgoing.end(body);
    });
  return {
    prepare: (n) => {
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

/** Signs a plain request if there is a key. */
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

/** Replaces `{uuid}`, `{n}`, and `{random:1-1000}` by an integer in that range. */
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

function reasonOf(status: number | undefined, text: string): string {
  const reason = /"reason": ?"([A-Z_]+)"/.exec(text)?.[1];
  return `${status} ${reason ?? text.slice(0, 80)}`;
}
