// Holds streams of a gRPC server open and counts their messages. It decodes nothing, so that it costs the machine little.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type ClientReadableStream, credentials, Metadata } from '@grpc/grpc-js';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import type { SignedCall } from './protocol.ts';

/** A server takes 256 calls a connection. */
const STREAMS_EACH = 200;
const AT_A_TIME = 20;
/** A server that is busy turns some away; they come back after this many milliseconds. */
const PAUSE_MS = 1000;
const ATTEMPTS = 10;

/** Open streams. */
export interface Streams {
  /** How many messages have come over all of them, the first ones included. */
  told(): number;
  close(): void;
}

/** Opens a stream by each of the calls. All have had a message when this resolves; rejects when one ends before. */
export async function openStreams(
  address: string,
  key: SigningKey,
  calls: readonly SignedCall[],
): Promise<Streams> {
  const clients: Client[] = [];
  const streams = new Set<ClientReadableStream<Buffer>>();
  let told = 0;
  const begin = async (call: SignedCall, index: number, attempt = 1): Promise<void> => {
    const stream = open(clients[Math.floor(index / STREAMS_EACH)] as Client, key, call);
    streams.add(stream);
    stream.on('data', () => (told += 1));
    const begun = new Promise<void>((resolve, reject) => {
      stream.once('data', () => resolve());
      stream.on('error', reject);
    });
    await begun.catch(async (error) => {
      if (attempt === ATTEMPTS) throw error;
      await sleep(PAUSE_MS);
      await begin(call, index, attempt + 1);
    });
  };
  for (let start = 0; start < calls.length; start += AT_A_TIME) {
    if (start % STREAMS_EACH === 0) clients.push(connect(address));
    const some = calls.slice(start, start + AT_A_TIME);
    await Promise.all(some.map((call, index) => begin(call, start + index)));
  }
  const close = () => {
    // Closing a client leaves its calls open.
    for (const stream of streams) stream.cancel();
    for (const client of clients) client.close();
  };
  return { told: () => told, close };
}

/** With a connection of its own; by default grpc-js puts all clients of an address on one. */
const connect = (address: string) =>
  new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });

const asIs = (bytes: Buffer) => bytes;

function open(client: Client, key: SigningKey, call: SignedCall): ClientReadableStream<Buffer> {
  const { method, path, body, identity } = call;
  const metadata = new Metadata();
  const headers = signedHeaders({ method, target: path, body }, identity, key);
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return client.makeServerStreamRequest(path, asIs, asIs, Buffer.from(body), metadata);
}
