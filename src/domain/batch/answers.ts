// The answers of a batch: what is stored under its idempotency keys, and what its calls add there.
import { type Attempt, type Mark, markOf } from '../attempt.ts';
import type { IdempotencyKey } from '../intent.ts';
import type { BatchContext } from './ledger-batch.ts';

declare module './ledger-batch.ts' {
  interface LedgerBatch {
    readonly answers: Answers;
  }
}

/** An answer that was given under an idempotency key. */
export interface Answer {
  readonly fingerprint: string;
  readonly outcome: unknown;
}

/** An answer that the batch gave. */
export interface NewAnswer {
  readonly key: IdempotencyKey;
  readonly outcome: unknown;
  /** The RPC that gave it; undefined for the system's own calls. */
  readonly rpc: string | undefined;
  /** The mark that was in its place when the batch read it. */
  readonly replaces: Mark | undefined;
}

/** A mark that a refusal of the batch leaves. */
export interface NewMark {
  readonly key: Pick<IdempotencyKey, 'userId' | 'key'>;
  readonly mark: Mark;
}

/** The name under which an answer is kept in memory. */
export function answerKey(key: Pick<IdempotencyKey, 'userId' | 'key'>): string {
  return `${key.userId}/${key.key}`;
}

/** What is stored under the idempotency keys of a batch. */
export class Answers {
  readonly #batch: BatchContext;
  readonly #answers: Map<string, Answer>;
  readonly #loadedMarks: ReadonlyMap<string, Mark>;
  readonly #newMarks = new Map<string, NewMark>();
  readonly added: NewAnswer[] = [];
  /** Whether calls of the batch get answers that were stored before it. */
  readonly hasStored: boolean;

  /** Answers and marks that were loaded, each under its answerKey(). The map of answers is changed. */
  constructor(answers: Map<string, Answer>, marks: ReadonlyMap<string, Mark>, batch: BatchContext) {
    this.#batch = batch;
    this.#answers = answers;
    this.hasStored = answers.size > 0;
    this.#loadedMarks = marks;
  }

  /** The answer that was given under a key, before this batch or in it. */
  find(key: IdempotencyKey): Answer | undefined {
    return this.#answers.get(answerKey(key));
  }

  /** Stores the answer of a call that was just decided. */
  add(key: IdempotencyKey, outcome: unknown, rpc: string | undefined): void {
    const name = answerKey(key);
    const refused = this.#newMarks.get(name);
    this.#answers.set(name, { fingerprint: key.fingerprint, outcome });
    this.added.push({ key, outcome, rpc, replaces: this.#loadedMarks.get(name) });
    this.#newMarks.delete(name);
    this.#batch.undo.push(() => {
      this.#answers.delete(name);
      this.added.pop();
      if (refused) this.#newMarks.set(name, refused);
    });
  }

  /** The mark that a refusal left under a key, before this batch or in it. */
  mark(key: IdempotencyKey): Mark | undefined {
    const name = answerKey(key);
    return this.#newMarks.get(name)?.mark ?? this.#loadedMarks.get(name);
  }

  /** Records that an attempt was refused, so that no earlier attempt under its key posts. */
  leaveMark(key: IdempotencyKey, attempt: Attempt): void {
    this.#newMarks.set(answerKey(key), { key, mark: markOf(attempt, this.#batch.at, this.mark(key)) });
  }

  /** The marks that the batch leaves. */
  newMarks(): NewMark[] {
    return [...this.#newMarks.values()];
  }
}
