// What a generator process loads, whatever it is and however it is reached.

/** Undefined for OK, otherwise in a few words why not; the same words for the same reason. */
export type Answer = string | undefined;

/** Something that can be called again and again. */
export interface Ledger {
  /** Makes the n-th call ready, signature and all, and returns how to send it. */
  ready(n: number): () => Promise<Answer>;
  close(): Promise<void> | void;
}

/** The n-th of some things that are gone through again and again. */
export function nth<T>(things: readonly T[], n: number): T {
  const thing = things[n % things.length];
  if (thing === undefined) throw new Error('there is nothing to call');
  return thing;
}
