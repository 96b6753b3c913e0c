// Reads what users attached to things, and finds things by it.
import type { AnnotationSubject, OwnedAnnotation } from '../../domain/annotation.ts';
import type { Pool, Reader } from '../pool.ts';
import { type AnnotationRow, annotationColumn, toAnnotation } from '../rows.ts';
import { plainArray } from '../sql.ts';

const FIND_SUBJECT = `
  SELECT n.subject_id FROM annotations n WHERE n.user_id = $1 AND n.subject = $2 AND n.reference = $3`;

/** The id of what a user gave a reference to; undefined where there is none of this kind. */
export async function findSubject(
  db: Reader,
  userId: bigint,
  subject: AnnotationSubject,
  reference: string,
): Promise<string | undefined> {
  const { rows } = await db.query<{ subject_id: string }>({
    name: 'find-subject',
    text: FIND_SUBJECT,
    values: [userId, subject, reference],
  });
  return rows[0]?.subject_id;
}

const ANNOTATIONS_OF = `SELECT asked.id, ${annotationColumn('asked.id')} FROM unnest($1::uuid[]) AS asked (id)`;

/** What is attached to each of these things, by id; undefined where there is nothing. */
export async function findAnnotations(
  pool: Pool,
  ids: readonly string[],
): Promise<ReadonlyMap<string, OwnedAnnotation | undefined>> {
  const { rows } = await pool.query<AnnotationRow & { id: string }>({
    name: 'find-annotations',
    text: ANNOTATIONS_OF,
    values: [plainArray(ids)],
  });
  return new Map(rows.map((row) => [row.id, toAnnotation(row)]));
}
