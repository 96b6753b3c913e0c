// A name server of a test's own, which can fall silent, and programs that ask it and no other.
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../scripts/dev/processes.ts';
import { orSkip } from './skip.ts';

const { ok } = await runCommand('unshare', ['--mount', 'true']);
/** The reason to skip tests that need another resolv.conf, or false. */
export const { skip: withoutOwnNames } = orSkip(
  ok ? { path: 'unshare' } : { reason: 'only root mounts' },
  'another resolv.conf',
);

/** A running name server: every name that it is asked for is 127.0.0.1. */
export interface NameServer extends Disposable {
  /** Questions so far. */
  readonly asked: number;
  /** From now on it answers, or it does not. */
  isSilent: boolean;
  /** Starts a program of this repository for which it is the only name server. */
  start(program: URL, env: NodeJS.ProcessEnv): ChildProcess;
}

/** Starts one, at a loopback address that nothing else listens on. */
export async function startNameServer(address: string): Promise<NameServer> {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-names-'));
  const resolver = join(folder, 'resolv.conf');
  writeFileSync(resolver, `nameserver ${address}\nsearch .\n`);
  const socket = createSocket('udp4');
  const names = {
    asked: 0,
    isSilent: false,
    start: (program: URL, env: NodeJS.ProcessEnv) => {
      const script = `mount --bind ${resolver} /etc/resolv.conf && exec ${process.execPath} ${fileURLToPath(program)}`;
      return spawn('unshare', ['--mount', 'sh', '-c', script], {
        env: { PATH: process.env.PATH, ...env },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
    },
    [Symbol.dispose]: () => {
      socket.close();
      rmSync(folder, { recursive: true });
    },
  };
  socket.on('message', (query, { port, address }) => {
    names.asked += 1;
    if (!names.isSilent) socket.send(answerTo(query), port, address);
  });
  socket.bind(53, address);
  await once(socket, 'listening');
  return names;
}

/** The lengths of a header and of what follows a question's name, and the type of an IPv4 address (RFC 1035, 3.2.2 and 4.1). */
const [HEADER, TYPE_AND_CLASS, A] = [12, 4, 1];

/** The answer to a query for one name: its address for type A, and for other types that there is none. */
function answerTo(query: Buffer): Buffer {
  const typeAt = query.indexOf(0, HEADER) + 1;
  const answer = Buffer.from(query.subarray(0, typeAt + TYPE_AND_CLASS));
  const isAddress = query.readUInt16BE(typeAt) === A;
  // A response, recursion available, without an error; one question, its answers, and nothing besides.
  answer.writeUInt16BE(0x8180, 2);
  for (const [index, count] of [1, isAddress ? 1 : 0, 0, 0].entries())
    answer.writeUInt16BE(count, 4 + 2 * index);
  // The name of the question, type A, class IN, for 30 s, four bytes.
  const record = [0xc0, HEADER, 0, A, 0, 1, 0, 0, 0, 30, 0, 4, 127, 0, 0, 1];
  return isAddress ? Buffer.concat([answer, Buffer.from(record)]) : answer;
}
