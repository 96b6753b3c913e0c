// Archives WAL in one process that stays: the start of a process for each file costs more than the file itself. archive_command
// asks it over a Unix socket, and gets its answer once the file is in the storage, so Postgres keeps what is not.
import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { dirname, isAbsolute } from 'node:path';
import { text } from 'node:stream/consumers';
import { SetupError } from '../cli/program.ts';
import type { Storage } from './storage.ts';
import { archiveWal } from './wal-archive.ts';

/** What it stores, and where. */
export interface ArchiverOptions {
  readonly storage: Storage;
  /** Public keys of age; none stores it unencrypted. */
  readonly recipients: readonly string[];
  /** The path of the socket. */
  readonly socket: string;
  /** Gets a line for each file that could not be stored. */
  readonly log: (line: string) => void;
}

/**
 * Starts it. A request is a POST whose body is the path of a file of WAL in its data folder; it is answered with 200 where
 * the file is stored, now or before, and else with 500 and the reason. A caller can have any WAL stored that this user can
 * read, so the socket is its owner's alone. Throws a SetupError where another one listens there.
 */
export async function startArchiver(options: ArchiverOptions): Promise<AsyncDisposable> {
  const { socket, log } = options;
  // One file at a time: Postgres asks for one at a time, and for the same one again where it did not wait for the answer.
  let last: Promise<unknown> = Promise.resolve();
  const server = createServer((request, response) => {
    const run = last.then(() => archive(options, request));
    last = run.then(
      () => response.end(),
      (error: Error) => {
        const why = error instanceof SetupError ? error.message : (error.stack ?? error.message);
        log(why);
        response.writeHead(500).end(`archive: ${why}\n`);
      },
    );
  });
  await listen(server, socket);
  return {
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeIdleConnections();
      });
    },
  };
}

async function archive({ storage, recipients }: ArchiverOptions, request: IncomingMessage): Promise<void> {
  const path = await text(request);
  if (!isAbsolute(path))
    throw new SetupError(`"${path}" is no absolute path: archive_command sends "$PWD/%p"`);
  await archiveWal(storage, dirname(dirname(path)), path, recipients);
}

/** Listens on the socket. One that was left behind by a killed process is replaced. */
async function listen(server: Server, socket: string): Promise<void> {
  if (await isAnswered(socket)) throw new SetupError(`another archiver listens on ${socket}`);
  await rm(socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new SetupError(`cannot listen on ${socket}: ${error.code}`)),
    );
    server.listen(socket, resolve);
  });
  await chmod(socket, 0o600);
}

function isAnswered(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}
