// How changes are taken back when a decision ends in a refusal, so that a refused call leaves nothing behind.

/** Remembers how to take back each change, newest last. */
export class Journal {
  readonly #undo: (() => void)[] = [];

  /** Notes how a change that was just made is taken back. */
  note(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Runs a decision; when it throws, everything that it changed is taken back, and the error goes on. */
  attempt<T>(decide: () => T): T {
    const mark = this.#undo.length;
    try {
      return decide();
    } catch (error) {
      while (this.#undo.length > mark) this.#undo.pop()?.();
      throw error;
    }
  }
}
