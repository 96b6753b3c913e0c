// References and labels: what is attached to transfers, wallets, holds and payouts, in the transaction that makes them.
//
// Two batches that give the same reference away at once meet at its unique index: the later one runs again and finds it taken.
import type { PoolClient } from 'pg';
import { labelsJson } from '../../db/rows.ts';
import { plainArray, textArray, timestamptz } from '../../db/sql.ts';
import type { AnnotationSubject } from '../../domain/annotation.ts';
import {
  Annotations,
  type NewAnnotation,
  type ReferenceName,
  referenceKey,
} from '../../domain/batch/annotations.ts';
import type { BatchContext, ReadSet } from '../../domain/batch/ledger-batch.ts';
import type { Facet, Statement } from '../facet.ts';

const READ = `
  SELECT n.subject, n.user_id, n.reference, n.subject_id
  FROM unnest($1::text[], $2::bigint[], $3::text[]) AS asked (subject, user_id, reference), LATERAL (
    SELECT * FROM annotations n
    WHERE n.subject = asked.subject AND n.user_id = asked.user_id AND n.reference = asked.reference OFFSET 0
  ) AS n`;

interface Row {
  subject: AnnotationSubject;
  user_id: string;
  reference: string;
  subject_id: string;
}

/** A trigger checks whose they are, and makes the lists by label (migration 0120). */
const INSERT_ANNOTATIONS: Statement<NewAnnotation> = {
  name: 'insert-annotations',
  text: `
  INSERT INTO annotations (subject_id, subject, user_id, created_at, reference, labels)
  SELECT new.id, new.subject, new.user_id, new.created_at, new.reference, new.labels::json
  FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[])
    AS new (id, subject, user_id, created_at, reference, labels)`,
  // The same order in every batch, so that two batches never wait for each other's references in a circle.
  rows: ({ annotations: { added } }) => (added.length < 2 ? added : [...added].sort(byReference)),
  values: (added) => [
    plainArray(added.map(({ id }) => id)),
    plainArray(added.map(({ subject }) => subject)),
    plainArray(added.map(({ userId }) => userId)),
    plainArray(added.map(({ createdAt }) => timestamptz(createdAt))),
    textArray(added.map(({ annotation: { reference } }) => reference || undefined)),
    textArray(added.map(({ annotation: { labels } }) => labelsJson(labels))),
  ],
};

function byReference(one: NewAnnotation, other: NewAnnotation): number {
  return nameOf(one) < nameOf(other) ? -1 : 1;
}

function nameOf({ subject, userId, annotation: { reference } }: NewAnnotation): string {
  return referenceKey({ subject, userId, reference });
}

const STATEMENTS = [INSERT_ANNOTATIONS];

/** Reads which of the references that the calls of a batch give away are taken. */
export class AnnotationsFacet implements Facet<Annotations> {
  readonly #wanted = new Map<string, ReferenceName>();
  readonly statements = STATEMENTS;

  collect({ references }: ReadSet): void {
    if (references) for (const name of references) this.#wanted.set(referenceKey(name), name);
  }

  load(client: PoolClient, context: BatchContext): Annotations | Promise<Annotations> {
    return this.#wanted.size === 0 ? new Annotations(new Map(), context) : this.#read(client, context);
  }

  async #read(client: PoolClient, context: BatchContext): Promise<Annotations> {
    const wanted = [...this.#wanted.values()];
    const { rows } = await client.query<Row>({
      name: 'read-references',
      text: READ,
      values: [
        plainArray(wanted.map(({ subject }) => subject)),
        plainArray(wanted.map(({ userId }) => userId)),
        textArray(wanted.map(({ reference }) => reference)),
      ],
    });
    const taken = rows.map((row): [string, string] => {
      const { subject, reference } = row;
      return [referenceKey({ subject, userId: BigInt(row.user_id), reference }), row.subject_id];
    });
    return new Annotations(new Map(taken), context);
  }
}
