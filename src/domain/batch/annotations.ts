// The references and labels of a batch: those that its calls attach, and which references are taken.
import {
  type Annotation,
  type AnnotationSubject,
  checkAnnotation,
  type OwnedAnnotation,
  type RequestedAnnotation,
} from '../annotation.ts';
import { REASONS } from '../reasons.ts';
import { Refusal } from '../refusal.ts';
import type { Micros } from '../time.ts';
import type { PostedTransfer } from '../transfer.ts';
import type { BatchContext, LedgerBatch } from './ledger-batch.ts';

declare module './ledger-batch.ts' {
  interface ReadSet {
    /** References that the command is about to give away. */
    readonly references?: readonly ReferenceName[] | undefined;
  }
  interface LedgerBatch {
    readonly annotations: Annotations;
  }
}

/** A reference, which a user has once for each kind of subject. */
export interface ReferenceName {
  readonly subject: AnnotationSubject;
  readonly userId: bigint;
  readonly reference: string;
}

/** What a reference and labels are attached to. */
export interface AnnotatedThing {
  readonly subject: AnnotationSubject;
  readonly id: string;
  readonly createdAt: Micros;
  readonly userId: bigint;
}

/** An annotation that the batch attached. */
export interface NewAnnotation extends AnnotatedThing {
  readonly annotation: Annotation;
}

/** The name under which a reference is kept in memory. */
export function referenceKey({ subject, userId, reference }: ReferenceName): string {
  return `${subject}/${userId}/${reference}`;
}

/** What a command that attaches this reads: its reference. Undefined where it has none. */
export function referencesOf(
  subject: AnnotationSubject,
  userId: bigint,
  annotation: Annotation | undefined,
): readonly ReferenceName[] | undefined {
  return annotation?.reference ? [{ subject, userId, reference: annotation.reference }] : undefined;
}

/** The annotations of one batch. */
export class Annotations {
  readonly #batch: BatchContext;
  /** The ids of what has the references that the batch asked for. */
  readonly #taken: Map<string, string>;
  readonly added: NewAnnotation[] = [];

  /** References that were loaded, each under its referenceKey(). The map is changed. */
  constructor(taken: Map<string, string>, batch: BatchContext) {
    this.#batch = batch;
    this.#taken = taken;
  }

  /**
   * Attaches a reference and labels to what was just made, and returns them as they are stored. Refuses INVALID_FIELD, and
   * REFERENCE_REUSED with the id of what has the reference: that belongs to the same user.
   */
  add(thing: AnnotatedThing, requested: RequestedAnnotation): OwnedAnnotation {
    const { subject, id, userId } = thing;
    const { reference, labels, path } = requested;
    checkAnnotation(requested);
    if (reference !== '') {
      const key = referenceKey({ subject, userId, reference });
      const other = this.#taken.get(key);
      if (other !== undefined) {
        throw new Refusal('REFERENCE_REUSED', {
          violations: [{ field: `${path}reference`, description: REASONS.REFERENCE_REUSED }],
          metadata: { [`${subject}_id`]: other },
        });
      }
      this.#batch.undo.set(this.#taken, key, id);
    }
    // The message that it came in may have more than keys and values.
    const annotation = { reference, labels: labels.map(({ key, value }) => ({ key, value })) };
    this.#batch.undo.append(this.added, { ...thing, annotation });
    return { userId, ...annotation };
  }
}

/** A transfer that a user just made, with what that user attaches to it. Refuses what Annotations.add() does. */
export function annotated(
  batch: LedgerBatch,
  userId: bigint,
  posted: PostedTransfer,
  annotation: RequestedAnnotation,
): PostedTransfer {
  const { id, createdAt } = posted.transfer;
  const thing = { subject: 'transfer', id, createdAt, userId } as const;
  return { ...posted, annotation: batch.annotations.add(thing, annotation) };
}
