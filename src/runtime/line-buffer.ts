// Buffers lines for a moment and writes them together: a write for each line would cost more than the work it reports.
import { fchmodSync, fstatSync, stat } from 'node:fs';
import { destination } from 'pino';
import { PRIVATE_FILE } from './private-file.ts';

/** Where lines go. */
export interface LineBuffer {
  write(line: string): void;
  /** Writes out the buffered lines soon. */
  flush(): void;
  /** Writes out the buffered lines; resolves once they are written, which may be never. */
  drain(): Promise<void>;
}

/** How often a file is checked for rotation, in milliseconds. */
const CHECK_FILE_MS = 1_000;

/** How much is buffered before it is written, in characters. */
const GATHER = 16_384;

/**
 * Opens a file by its path, readable by its owner only, or an open file by its number. When a file was renamed or removed,
 * for example by logrotate, a new one is opened under its name, so no signal is needed. Never throws.
 */
export function bufferLines(dest: string | number): LineBuffer {
  // sonic-boom could buffer itself, but would measure its whole buffer again for each line. With 1, a drain waits for writes.
  const output = destination({ dest, sync: false, append: true, minLength: 1, mode: PRIVATE_FILE });
  // A log that cannot be written must not bring the process down.
  output.on('error', () => {});
  const path = typeof dest === 'string' ? dest : undefined;
  // Before anything is written: the mode above applies only to files that did not exist.
  if (path !== undefined) output.on('ready', () => quietly(() => fchmodSync(fdOf(output), PRIVATE_FILE)));
  let checkedAt = performance.now();
  const followName = () => {
    if (path === undefined || performance.now() < checkedAt + CHECK_FILE_MS) return;
    checkedAt = performance.now();
    stat(path, (error, named) => {
      if (error && error.code !== 'ENOENT') return;
      quietly(() => {
        const open = fstatSync(fdOf(output));
        if (error || named.ino !== open.ino || named.dev !== open.dev) output.reopen();
      });
    });
  };
  let lines: string[] = [];
  let length = 0;
  const flush = () => {
    if (lines.length > 0) output.write(lines.join(''));
    lines = [];
    length = 0;
  };
  return {
    write(line) {
      lines.push(line);
      length += line.length;
      if (length >= GATHER) flush();
    },
    flush: () => {
      followName();
      flush();
    },
    drain: () => {
      flush();
      return new Promise((done) => output.flush(() => done()));
    },
  };
}

/** pino's types leave out the number. */
function fdOf(output: object): number {
  return (output as { readonly fd: number }).fd;
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // The file is not ours, or not open yet: logging goes on all the same.
  }
}
