// Rolls back the in-memory changes of a decision that ends in a refusal, so that a refused call leaves nothing behind.

/** How to undo each change, newest last. */
export class UndoLog {
  readonly #undo: (() => void)[] = [];

  /** Records how to undo a change that was just made. */
  push(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Appends to a list that nothing else takes from. */
  append<T>(list: T[], item: T): void {
    list.push(item);
    this.#undo.push(() => list.pop());
  }

  /** Sets what a map has under a key. */
  set<K, V>(map: Map<K, V>, key: K, value: V & {}): void {
    const before = map.get(key);
    map.set(key, value);
    this.#undo.push(() => (before === undefined ? map.delete(key) : map.set(key, before)));
  }

  /** Runs a decision. If it throws, all of its changes are undone and the error is thrown on. */
  attempt<T>(decide: () => T): T {
    const savepoint = this.#undo.length;
    try {
      return decide();
    } catch (error) {
      while (this.#undo.length > savepoint) this.#undo.pop()?.();
      throw error;
    }
  }
}
