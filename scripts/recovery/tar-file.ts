// Finds one small file in a tar stream that passes by (ustar, IEEE 1003.1 pax: blocks of 512 bytes).
import type { Content } from './storage.ts';

const BLOCK = 512;

/** A stream, and a file that was found in it once the stream has ended. */
export interface TarFile {
  readonly content: Content;
  /** The file's bytes; undefined where it was not there. */
  found(): Buffer | undefined;
}

/** Passes a tar stream on and keeps the file with this name. */
export function keepTarFile(source: Content, name: string): TarFile {
  const reader = new TarReader(name);
  return { content: passed(source, reader), found: () => reader.found };
}

async function* passed(source: Content, reader: TarReader): Content {
  for await (const piece of source) {
    reader.read(piece);
    yield piece;
  }
}

/** Walks from header to header, wherever the pieces begin and end. */
class TarReader {
  readonly #name: string;
  readonly #header = Buffer.alloc(BLOCK);
  #headerBytes = 0;
  /** Of the present file with its padding. */
  #left = 0;
  #kept: Buffer | undefined;
  #keptBytes = 0;

  constructor(name: string) {
    this.#name = name;
  }

  get found(): Buffer | undefined {
    return this.#kept !== undefined && this.#keptBytes >= this.#kept.length ? this.#kept : undefined;
  }

  read(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) {
      at += this.#left > 0 ? this.#readFile(piece.subarray(at)) : this.#readHeader(piece.subarray(at));
    }
  }

  #readHeader(rest: Uint8Array): number {
    const count = Math.min(BLOCK - this.#headerBytes, rest.length);
    this.#header.set(rest.subarray(0, count), this.#headerBytes);
    this.#headerBytes += count;
    if (this.#headerBytes < BLOCK) return count;
    this.#headerBytes = 0;
    const name = textOf(this.#header.subarray(0, 100));
    const size = sizeOf(this.#header.subarray(124, 136));
    this.#left = Math.ceil(size / BLOCK) * BLOCK;
    if (name === this.#name) {
      this.#kept = Buffer.alloc(size);
      this.#keptBytes = 0;
    }
    return count;
  }

  #readFile(rest: Uint8Array): number {
    const count = Math.min(this.#left, rest.length);
    if (this.#kept && this.#keptBytes < this.#kept.length) {
      const own = rest.subarray(0, Math.min(count, this.#kept.length - this.#keptBytes));
      this.#kept.set(own, this.#keptBytes);
      this.#keptBytes += own.length;
    }
    this.#left -= count;
    return count;
  }
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.subarray(0, end === -1 ? undefined : end).toString('utf8');
}

/** Octal digits, or from 8 GB on a binary number whose first bit is set. */
function sizeOf(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(field.readBigUInt64BE(4));
  return Number.parseInt(textOf(field).trim() || '0', 8);
}
