// Buffers lines for a moment and writes them together: a write for each line would cost more than the work it reports.
// What cannot be written waits in memory, up to a bound, so that a full disk neither slows a call nor ends the process.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogOutput } from './log-file.ts';

/** What became of the lines of one output. */
export interface LineCounts {
  /** Lines that were written. */
  readonly written: number;
  /** Attempts to write that failed; their lines wait. */
  readonly failures: number;
  /** Lines that were given up, because too many waited. */
  readonly lost: number;
}

/** Lines that are written together, each into the same file. */
interface Chunk {
  readonly bytes: Buffer;
  readonly lines: number;
}

/** How much is buffered before it is written, in characters. */
const GATHER = 65_536;
/** How much may wait to be written, in bytes: about 10,000 transfers. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** A pipe whose reader is slow. */
const AGAIN_AFTER_MS = 10;

/** The lines of one output, in the order in which they came. */
export class LineBuffer {
  readonly #output: LogOutput;
  #lines: string[] = [];
  #length = 0;
  readonly #chunks: Chunk[] = [];
  #waitingBytes = 0;
  /** How much of the first chunk is written. */
  #start = 0;
  #writing: Promise<void> | undefined;
  readonly #counts = { written: 0, failures: 0, lost: 0 };

  constructor(output: LogOutput) {
    this.#output = output;
  }

  get counts(): LineCounts {
    return this.#counts;
  }

  /** Takes a line with its line end. Never throws, never waits. */
  write(line: string): void {
    this.#lines.push(line);
    this.#length += line.length;
    if (this.#length >= GATHER) this.flush();
  }

  /** Writes out the buffered lines soon, and tries again what failed. */
  flush(): void {
    if (this.#lines.length > 0) this.#enqueue(Buffer.from(this.#lines.join('')), this.#lines.length);
    this.#lines = [];
    this.#length = 0;
    if (this.#chunks.length === 0) return;
    this.#writing ??= this.#writeChunks().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Writes out the buffered lines and closes; resolves once that is done or has failed, which may be never. */
  async end(): Promise<void> {
    // What is being written now may have begun before the last lines came.
    await this.#writing;
    this.flush();
    await this.#writing;
    await this.#output.close();
  }

  #enqueue(bytes: Buffer, lines: number): void {
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.#counts.lost += lines;
      return;
    }
    this.#waitingBytes += bytes.length;
    this.#chunks.push({ bytes, lines });
  }

  async #writeChunks(): Promise<void> {
    try {
      for (let [chunk] = this.#chunks; chunk; [chunk] = this.#chunks) {
        // Only at its beginning: a line that is half written is finished in the same file.
        if (this.#start === 0) await this.#output.prepare();
        this.#start += await this.#write(chunk.bytes);
        if (this.#start < chunk.bytes.length) continue;
        this.#chunks.shift();
        this.#waitingBytes -= chunk.bytes.length;
        this.#start = 0;
        this.#counts.written += chunk.lines;
      }
    } catch {
      this.#counts.failures += 1;
    }
  }

  async #write(bytes: Buffer): Promise<number> {
    try {
      return await this.#output.write(bytes, this.#start);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await sleep(AGAIN_AFTER_MS);
      return 0;
    }
  }
}
