// Gathers lines for a moment and writes them together: a write for each would cost more than what it tells of.
import { destination } from 'pino';

/** Where lines go. */
export interface LineBuffer {
  write(line: string): void;
  /** Writes out what was gathered, some time soon. */
  flush(): void;
  /** Writes out what was gathered; resolves once it is written, which may be never. */
  drain(): Promise<void>;
}

/** What is gathered in memory before it is written, in characters. */
const GATHER = 16_384;

/** Opens a file by its path, or what is open already by its number. Nothing here ever throws. */
export function bufferLines(dest: string | number): LineBuffer {
  // It could gather by itself, and would measure all that it holds again at every line. With 1, a drain waits for writes.
  const output = destination({ dest, sync: false, append: true, minLength: 1 });
  // A log that cannot be written must not bring down what it tells of.
  output.on('error', () => {});
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
    flush,
    drain: () => {
      flush();
      return new Promise((done) => output.flush(() => done()));
    },
  };
}
