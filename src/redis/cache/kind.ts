// A kind of thing that is kept in Redis: what it is called there, for how long, and how it is written.

/** What `read` needs to know of a kind. */
export interface Kind<T> {
  /** The name in keys and metrics. A kind that is written in another way than before takes another name. */
  readonly name: string;
  /** For how long a copy may stay, in milliseconds. */
  ttlMs(value: T): number;
  /** Which state of the thing this is; a lower one never replaces a higher one. */
  versionOf(value: T): number;
  write(value: T): string;
  /** Throws on text that `write` does not write. */
  read(text: string): T;
}

/** The life of a copy: up to a tenth shorter than it may be, so that what came together does not go together. */
export function drawTtlMs(ttlMs: number): number {
  return Math.max(1, Math.floor(ttlMs * (1 - Math.random() / 10)));
}
