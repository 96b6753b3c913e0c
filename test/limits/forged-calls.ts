// Forged calls in great number: signatures that are wrong in the name of a real key, over gRPC and REST, from an address of
// their own.
import { Agent, request as httpRequest } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';

/** Where forged calls go, and what they are. */
export interface Forgery {
  readonly restUrl: string;
  readonly grpcAddress: string;
  /** The id of a real key, with a secret that is not its own. */
  readonly key: SigningKey;
  readonly userId: string;
  /** The address that they come from, one of 127.0.0.0/8. */
  readonly from: string;
}

/** What came of forged calls: how many ended how, by HTTP status, or gRPC status as `grpc 16`. */
export type Tally = Record<string, number>;

/** Makes one forged call; resolves with how it ended. */
export type Forge = () => Promise<string>;

const REST_TARGET = '/api/v1/wallet/transfer';
const RPC = '/wallet.v1.WalletService/Transfer';
/** A wallet.v1.TransferRequest to user 1 of an amount of 1. */
const MESSAGE = Buffer.from([8, 1, 16, 1]);
/** Calls under way at once; a generator that waits for more measures itself. */
const MAX_OPEN = 400;
const TICK_MS = 20;

/** The headers of a forged call, the same for many: what costs a server is not what they are. */
function forgedHeaders({ key, userId }: Forgery, method: string, target: string, body: Buffer) {
  return signedHeaders({ method, target, body }, { userId, idempotencyKey: crypto.randomUUID() }, key);
}

/** Forged calls over REST, with this body or that of a small transfer. */
export function restForger(
  forgery: Forgery,
  target: string = REST_TARGET,
  text = '{"to_user_id":1,"amount":1}',
): { forge: Forge; close(): void } {
  const { hostname, port } = new URL(forgery.restUrl);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const body = Buffer.from(text);
  const headers = {
    ...forgedHeaders(forgery, 'POST', target, body),
    'content-type': 'application/json',
    'content-length': String(body.length),
  };
  const options = {
    hostname,
    port,
    agent,
    method: 'POST',
    path: target,
    headers,
    localAddress: forgery.from,
  };
  const forge = () =>
    new Promise<string>((resolve) => {
      const outgoing = httpRequest(options, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(String(answer.statusCode)));
      });
      outgoing.on('error', () => resolve('broken'));
      outgoing.end(body);
    });
  return { forge, close: () => agent.destroy() };
}

/** Forged calls over gRPC, on a few connections: of a small transfer, or of these compressed bytes. */
export function grpcForger(forgery: Forgery, gzipped?: Buffer): { forge: Forge; close(): void } {
  const [host = '', port] = forgery.grpcAddress.split(':');
  const open = (): ClientHttp2Session => {
    const createConnection = () => connect({ host, port: Number(port), localAddress: forgery.from });
    const session = connectHttp2(`http://${forgery.grpcAddress}`, { createConnection });
    session.on('error', () => {});
    return session;
  };
  const sessions = [open(), open(), open(), open()];
  const message = gzipped ?? MESSAGE;
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(gzipped ? 1 : 0);
  prefix.writeUInt32BE(message.length, 1);
  const frame = Buffer.concat([prefix, message]);
  const headers = {
    ...forgedHeaders(forgery, 'POST', RPC, message),
    ...(gzipped && { 'grpc-encoding': 'gzip' }),
    ':method': 'POST',
    ':path': RPC,
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  let next = 0;
  const forge = () =>
    new Promise<string>((resolve) => {
      const at = next++ % sessions.length;
      const session = sessions[at]?.destroyed ? open() : sessions[at];
      if (!session) return resolve('broken');
      sessions[at] = session;
      const stream = session.request(headers);
      let status = 'broken';
      stream.on('response', (came) => {
        if (came['grpc-status'] !== undefined) status = `grpc ${came['grpc-status']}`;
      });
      stream.on('trailers', (came) => {
        if (came['grpc-status'] !== undefined) status = `grpc ${came['grpc-status']}`;
      });
      stream.on('error', () => {});
      stream.on('close', () => resolve(status));
      stream.resume();
      stream.end(frame);
    });
  return { forge, close: () => sessions.forEach((session) => void session.destroy()) };
}

/** Makes forged calls at a rate for a time; what the generator cannot keep up with is left out, and seen in the count. */
export async function flood(forges: readonly Forge[], perSecond: number, ms: number): Promise<Tally> {
  const tally: Tally = {};
  const open = new Set<Promise<void>>();
  const started = performance.now();
  let made = 0;
  while (performance.now() - started < ms) {
    const due = Math.floor(((performance.now() - started) / 1000) * perSecond);
    for (let left = Math.min(due - made, MAX_OPEN - open.size); left > 0; left--) {
      const forge = forges[made++ % forges.length];
      if (!forge) break;
      const call: Promise<void> = forge().then((status) => {
        tally[status] = (tally[status] ?? 0) + 1;
        open.delete(call);
      });
      open.add(call);
    }
    // Calls that the machine was too slow for are not made up for.
    made = due;
    await sleep(TICK_MS);
  }
  await Promise.all(open);
  return tally;
}

/** How many calls a tally counts. */
export function callsOf(tally: Tally): number {
  return Object.values(tally).reduce((sum, count) => sum + count, 0);
}
