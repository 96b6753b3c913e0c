// A map of bounded size whose entries expire: what one process can remember of callers without growing for ever.
import type { Micros } from '../domain/time.ts';

interface Entry<V> {
  readonly value: V;
  readonly expiresAt: Micros;
}

/**
 * Remembers at least the last so many keys that were set, until they expire, and at most twice as many.
 *
 * Keys stand in two generations, and once the younger one is full the older one is dropped whole. Dropping keys one by
 * one from the front of a Map costs more the more were dropped before.
 */
export class ForgetfulMap<V> {
  readonly #capacity: number;
  #young = new Map<string, Entry<V>>();
  #old = new Map<string, Entry<V>>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The value of a key; undefined where it was not set, has expired or is forgotten. */
  get(key: string, now: Micros): V | undefined {
    const entry = this.#young.get(key) ?? this.#old.get(key);
    return entry && entry.expiresAt > now ? entry.value : undefined;
  }

  set(key: string, value: V, expiresAt: Micros): void {
    if (this.#young.size >= this.#capacity && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, { value, expiresAt });
  }

  /** How many entries there are, expired ones included. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
