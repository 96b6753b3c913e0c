// Rolls back the in-memory changes of a decision that ends in a refusal, so that a refused call leaves nothing behind.

/** How to undo each change, newest last. */
export class UndoLog {
  readonly #undo: (() => void)[] = [];

  /** Records how to undo a change that was just made. */
  push(undo: () => void): void {
    this.#undo.push(undo);
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
