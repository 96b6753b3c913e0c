// Gathers lines for a moment and writes them together: a write for each would cost more than what it tells of.
import { fchmodSync, fstatSync, stat } from 'node:fs';
import { destination } from 'pino';
import { PRIVATE_FILE } from './private-file.ts';

/** Where lines go. */
export interface LineBuffer {
  write(line: string): void;
  /** Writes out what was gathered, some time soon. */
  flush(): void;
  /** Writes out what was gathered; resolves once it is written, which may be never. */
  drain(): Promise<void>;
}

/** How often it is seen whether a file was rotated away from under its name, in milliseconds. */
const LOOK_AT_FILE_MS = 1_000;

/** What is gathered in memory before it is written, in characters. */
const GATHER = 16_384;

/**
 * Opens a file by its path, for its owner alone, or what is open already by its number. A file that was renamed or
 * removed, by logrotate say, is begun anew under its name, so that nobody has to send a signal. Nothing here ever throws.
 */
export function bufferLines(dest: string | number): LineBuffer {
  // It could gather by itself, and would measure all that it holds again at every line. With 1, a drain waits for writes.
  const output = destination({ dest, sync: false, append: true, minLength: 1, mode: PRIVATE_FILE });
  // A log that cannot be written must not bring down what it tells of.
  output.on('error', () => {});
  const path = typeof dest === 'string' ? dest : undefined;
  // Before anything is written to it: the mode above is only that of files that there were not.
  if (path !== undefined) output.on('ready', () => quietly(() => fchmodSync(fdOf(output), PRIVATE_FILE)));
  let lookedAt = performance.now();
  const followName = () => {
    if (path === undefined || performance.now() < lookedAt + LOOK_AT_FILE_MS) return;
    lookedAt = performance.now();
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

/** pino's types don't tell of the number. */
function fdOf(output: object): number {
  return (output as { readonly fd: number }).fd;
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // The file is not ours, or not open yet: what is logged matters more than where it lies.
  }
}
