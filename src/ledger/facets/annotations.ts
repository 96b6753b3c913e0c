// References and labels: what is attached to transfers, wallets, holds and payouts, in the transaction that makes them.
//
// Two batches that give the same reference away at once meet at its unique index: the later one runs again and finds it taken.
import { labelsJson } from '../../db/rows.ts';
import type { AnnotationSubject } from '../../domain/annotation.ts';
import {
  Annotations,
  type NewAnnotation,
  type ReferenceName,
  referenceKey,
} from '../../domain/batch/annotations.ts';
import { distinct, type Facet } from '../facet.ts';
import { givenRows, insertInto, reading } from '../given-rows.ts';

interface Row {
  subject: AnnotationSubject;
  user_id: string;
  reference: string;
  subject_id: string;
}

const readReferences = reading<ReferenceName, Row>(
  'read-references',
  givenRows('asked', {
    subject: ['text', ({ subject }) => subject],
    user_id: ['bigint', ({ userId }) => userId],
    reference: ['text', ({ reference }) => reference],
  }),
  (asked) => `
  SELECT n.subject, n.user_id, n.reference, n.subject_id FROM ${asked}, LATERAL (
    SELECT * FROM annotations n
    WHERE n.subject = asked.subject AND n.user_id = asked.user_id AND n.reference = asked.reference OFFSET 0
  ) AS n`,
);

/** A trigger checks whose they are, and makes the lists by label (migration 0120). */
const INSERT_ANNOTATIONS = insertInto<NewAnnotation>(
  'annotations',
  // The same order in every batch, so that two batches never wait for each other's references in a circle.
  ({ annotations: { added } }) => (added.length < 2 ? added : [...added].sort(byReference)),
  {
    subject_id: ['uuid', ({ id }) => id],
    subject: ['text', ({ subject }) => subject],
    user_id: ['bigint', ({ userId }) => userId],
    created_at: ['timestamptz', ({ createdAt }) => createdAt],
    reference: ['text', ({ annotation: { reference } }) => reference || undefined],
    labels: ['json', ({ annotation: { labels } }) => labelsJson(labels)],
  },
);

function byReference(one: NewAnnotation, other: NewAnnotation): number {
  return nameOf(one) < nameOf(other) ? -1 : 1;
}

function nameOf({ subject, userId, annotation: { reference } }: NewAnnotation): string {
  return referenceKey({ subject, userId, reference });
}

/** Reads which of the references that the calls of a batch give away are taken. */
export const annotations: Facet<Annotations> = {
  load: async (client, asked, context) => {
    const names = distinct(asked, ({ references }) => references, referenceKey);
    const rows = await readReferences(client, names);
    const taken = rows.map((row): [string, string] => {
      const { subject, reference } = row;
      return [referenceKey({ subject, userId: BigInt(row.user_id), reference }), row.subject_id];
    });
    return new Annotations(new Map(taken), context);
  },
  statements: [INSERT_ANNOTATIONS],
};
