// A name server of a test, over UDP (RFC 1035), whose answers may change from one question to the next.
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { isIP } from 'node:net';

/** The addresses of a name; asked once for each question, of A and of AAAA. */
export type Zone = (name: string) => readonly string[];

/** A running name server. */
export interface NameServer extends Disposable {
  /** Asks it. */
  readonly resolver: Resolver;
  /** The names that were asked for. */
  readonly asked: string[];
}

const TYPES = new Map([
  [1, 4],
  [28, 6],
]);

/** Starts one. A name without addresses does not exist. */
export async function startNameServer(zone: Zone): Promise<NameServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (query, { address, port }) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const family = TYPES.get(query.readUInt16BE(at + 1));
    const name = labels.join('.').toLowerCase();
    asked.push(name);
    const answers = zone(name).filter((one) => isIP(one) === family);
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    // An answer to a recursive question, without an error where the name exists.
    header.writeUInt16BE(zone(name).length > 0 ? 0x8180 : 0x8183, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    const records = answers.map((one) => recordOf(one));
    socket.send(Buffer.concat([header, query.subarray(12, at + 5), ...records]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const resolver = new Resolver({ tries: 1, timeout: 2_000 });
  resolver.setServers([`127.0.0.1:${(socket.address() as AddressInfo).port}`]);
  return { resolver, asked, [Symbol.dispose]: () => socket.close() };
}

function recordOf(address: string): Buffer {
  const data = bytesOf(address);
  const head = Buffer.alloc(12);
  // The name of the question; its type and class; no time to live.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(data.length === 4 ? 1 : 28, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(0, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function bytesOf(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [before = '', after = ''] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [head, tail] = [groups(before), groups(after)];
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  return Buffer.from([...head, ...zeros, ...tail].map((group) => group.padStart(4, '0')).join(''), 'hex');
}
