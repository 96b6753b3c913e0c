// Copies in Redis of what Postgres knows. They are believed only while it is certain that they are right.
//
// Why that holds is told in docs/internals/cache.md. In short: whoever commits a change marks the copies of
// what it changes before, and only then commits; a copy is filled in only by who took its key before looking, if nobody
// marked it meanwhile; and where copies cannot be marked, Postgres takes the right to believe them from every process,
// before the change is committed.
import { changing } from './changing.ts';
import type { EntryFormat } from './entry.ts';
import type { Kind } from './kind.ts';
import type { Lease } from './lease.ts';
import { reading } from './reading.ts';
import type { Store } from './store.ts';

/** What became of a look for a copy. */
export type Look = 'hit' | 'miss' | 'contended' | 'corrupt' | 'bypass';

/** Told of each look for a copy of a kind; at a hit, how long ago the copy was written, in milliseconds. */
export type OnLook = (kind: string, look: Look, ageMs?: number) => void;

/** A thing, by the name of its kind and its own among them. */
export interface Ref {
  readonly kind: string;
  readonly id: string;
}

/** A thing as a commit leaves it. */
export interface Changed extends Ref {
  readonly version: number;
  /** For how long its copy may stay, in milliseconds. */
  readonly ttlMs: number;
  /** As its kind writes it. */
  readonly text: string;
}

/** Says how old copies were kept from being believed, for `settle`. */
export interface Marked {
  /** Where they were marked; undefined where copies are suspended. */
  readonly epoch: string | undefined;
  readonly at: number;
}

/** None of it throws for want of Redis; `mark` and `change` do where Postgres is away as well. */
export interface Cache {
  /** A thing, from Redis or else by `load`, which looks it up in Postgres. */
  read<T>(kind: Kind<T>, id: string, load: () => Promise<T>): Promise<T>;
  /** Does work that changes things, and drops their copies. */
  change<T>(refs: readonly Ref[], work: () => Promise<T>): Promise<T>;
  /** Before a commit: nobody believes copies of these any more that are older than these versions. */
  mark(changes: readonly (Ref & Pick<Changed, 'version'>)[]): Promise<Marked>;
  /** After the commit: puts the new copies. What was changed may be answered once it resolves; undefined: at once. */
  settle(marked: Marked, changes: readonly Changed[]): Promise<void> | undefined;
}

/** What a process needs that changes things. */
export type Marks = Pick<Cache, 'mark' | 'settle'>;

/** What a cache stands on. */
export interface CacheParts {
  readonly prefix: string;
  readonly store: Store;
  readonly lease: Lease;
  readonly format: EntryFormat;
  readonly onLook: OnLook;
}

/** A thing of a kind, as a commit leaves it. */
export function changed<T>(kind: Kind<T>, id: string, value: T): Changed {
  return {
    kind: kind.name,
    id,
    version: kind.versionOf(value),
    ttlMs: kind.ttlMs(value),
    text: kind.write(value),
  };
}

/** Starts to keep copies. */
export function startCache(parts: CacheParts): Cache {
  return { ...reading(parts), ...changing(parts) };
}

/** Where a copy stands in Redis. */
export function keyOf(prefix: string, epoch: string, { kind, id }: Ref): string {
  return `${prefix}${epoch}:${kind}:${id}`;
}
