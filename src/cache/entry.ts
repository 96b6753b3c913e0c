// What a cache entry is: its kind, its name, its version and its text.

/** A kind of entry: its name, how long entries live, and how values are written. */
export interface EntryKind<T> {
  /** The name in keys and metrics. When the encoding changes, so does the name. */
  readonly name: string;
  /** Whether a commit puts its entry only where somebody has read the one before, because most are changed and not read. */
  readonly isPutIfRead?: true;
  /** How long an entry may live, in milliseconds. */
  ttlMs(value: T): number;
  /** The version of the value; a lower version never replaces a higher one. */
  versionOf(value: T): number;
  encode(value: T): string;
  /** Throws on text that `encode` does not write. */
  decode(text: string): T;
}

/** The name of an entry: its kind, and its id among entries of that kind. */
export interface EntryRef {
  readonly kind: string;
  readonly id: string;
}

/** An entry of which a commit brings a new version. */
export interface EntryVersion extends EntryRef {
  readonly version: number;
}

/** An entry as a commit leaves it. */
export interface EntryUpdate extends EntryVersion {
  /** How long the entry may live, in milliseconds. */
  readonly ttlMs: number;
  readonly isPutIfRead: boolean;
  /** The value as its kind encodes it. */
  encode(): string;
}

/** The entry of a value as a commit leaves it. */
export function updateOf<T>(kind: EntryKind<T>, id: string, value: T): EntryUpdate {
  return {
    kind: kind.name,
    id,
    version: kind.versionOf(value),
    ttlMs: kind.ttlMs(value),
    isPutIfRead: kind.isPutIfRead ?? false,
    encode: () => kind.encode(value),
  };
}

/** The name of a kind's entry. */
export function refOf(kind: { readonly name: string }, id: string | bigint): EntryRef {
  return { kind: kind.name, id: String(id) };
}

/** The key in Redis. The epoch is part of it: entries of earlier epochs are never read again. */
export function keyOf(prefix: string, epoch: string, { kind, id }: EntryRef): string {
  return `${prefix}${epoch}:${kind}:${id}`;
}

/** A time to live up to a tenth shorter, so that entries that were written together do not expire together. */
export function jitteredTtlMs(ttlMs: number): number {
  return Math.max(1, Math.floor(ttlMs * (1 - Math.random() / 10)));
}
