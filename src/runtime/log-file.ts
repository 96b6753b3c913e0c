// A log file, followed by its name: when it was renamed or removed, for example by logrotate, the next lines go into a new
// one under its name, so no signal is needed.
import { close, closeSync, fchmod, fstat, open, openSync, read, stat, write } from 'node:fs';
import { promisify } from 'node:util';
import { PRIVATE_FILE } from './private-file.ts';

/** What lines are written to. */
export interface LogOutput {
  /** Called before lines are written that belong together, so that they go into one file. Rejects if there is none. */
  prepare(): Promise<void>;
  /** Writes the bytes from `start` on and returns how many; fewer than given where a disk is nearly full. */
  write(bytes: Buffer, start: number): Promise<number>;
  close(): Promise<void>;
}

/** How often a file is checked for rotation, in milliseconds. */
const CHECK_FILE_MS = 1_000;
const NEWLINE = Buffer.from('\n');

const files = {
  open: promisify(open),
  write: promisify(write),
  read: promisify(read),
  fstat: promisify(fstat),
  fchmod: promisify(fchmod),
  stat: promisify(stat),
  close: promisify(close),
};

/** An open file by its number, such as 1 for stdout; it is not closed. */
export function outputTo(fd: number): LogOutput {
  return {
    prepare: async () => {},
    write: async (bytes, start) => (await files.write(fd, bytes, start)).bytesWritten,
    close: async () => {},
  };
}

/** A file by its path, readable by its owner only; it is made at once, so that who follows it finds it. */
export class LogFile implements LogOutput {
  readonly #path: string;
  #opened: { readonly fd: number; readonly ino: number; readonly dev: number } | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;

  constructor(path: string) {
    this.#path = path;
    try {
      closeSync(openSync(path, 'a', PRIVATE_FILE));
    } catch {
      // It is tried again with the first lines, and counted then.
    }
  }

  async prepare(): Promise<void> {
    if (this.#opened && !(await this.#isRenamed())) return;
    const fd = await files.open(this.#path, 'a+', PRIVATE_FILE);
    await this.close();
    const { ino, dev, size } = await files.fstat(fd);
    this.#opened = { fd, ino, dev };
    this.#checkedAt = performance.now();
    // The mode above applies only to files that did not exist. A file of somebody else stays as it is.
    await files.fchmod(fd, PRIVATE_FILE).catch(() => {});
    if (size > 0) await this.#endTornLine(fd, size);
  }

  /** A process that was killed, or a machine that lost power, may have left half a line; the next one must not follow it. */
  async #endTornLine(fd: number, size: number): Promise<void> {
    const last = Buffer.alloc(1);
    await files.read(fd, last, 0, 1, size - 1);
    if (!last.equals(NEWLINE)) await files.write(fd, NEWLINE);
  }

  async #isRenamed(): Promise<boolean> {
    if (performance.now() < this.#checkedAt + CHECK_FILE_MS) return false;
    this.#checkedAt = performance.now();
    try {
      const { ino, dev } = await files.stat(this.#path);
      return ino !== this.#opened?.ino || dev !== this.#opened.dev;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT';
    }
  }

  async write(bytes: Buffer, start: number): Promise<number> {
    if (!this.#opened) throw new Error('prepare comes first');
    return (await files.write(this.#opened.fd, bytes, start)).bytesWritten;
  }

  async close(): Promise<void> {
    const { fd } = this.#opened ?? {};
    this.#opened = undefined;
    if (fd !== undefined) await files.close(fd);
  }
}
