// Answers: what is stored under idempotency keys, answers given and marks of refusals; and the clock of the batch.
import { microsOf, plainArray, textArray, timestamptz } from '../../db/sql.ts';
import type { Mark } from '../../domain/attempt.ts';
import { type Answer, Answers, answerKey, type NewAnswer, type NewMark } from '../../domain/batch/answers.ts';
import { type Facet, touchingAll } from '../facet.ts';
import { type Columns, givenRows, insertDated } from '../given-rows.ts';
import { readOutcome, writeOutcome } from '../outcome-json.ts';

/**
 * The moment of the batch, and what is stored under its keys. The clock is read once the locks are held: a call that waited
 * for a lock must not be decided by an old clock. The moment has a row of its own, with the id of the policies in force; to
 * read that takes a lock for which changes of policies wait (migration 0110).
 *
 * OFFSET 0 has each key found by itself. Without it a plan that was made when few rows were counted reads the whole index
 * for each batch, and a connection keeps its plan until the rows are counted again, a minute later (LEDGER_SETTINGS).
 */
export const READ_CLOCK_AND_ANSWERS = `
  SELECT ${microsOf('clock_timestamp()')} AS now, NULL::bigint AS user_id, NULL AS key, NULL AS fingerprint, NULL AS outcome,
    NULL::bigint AS signed_at, NULL::bigint AS marked_at, (SELECT id FROM limit_policy_set)::text AS policies_id
  UNION ALL
  SELECT NULL, k.user_id, k.key, encode(k.fingerprint, 'hex'), k.outcome::text, k.signed_at,
    CASE WHEN k.outcome IS NULL THEN ${microsOf('k.created_at')} END, NULL
  FROM unnest($1::bigint[], $2::text[]) AS asked (user_id, key), LATERAL (
    SELECT * FROM idempotency_keys i WHERE i.user_id = asked.user_id AND i.key = asked.key OFFSET 0
  ) AS k`;

type Row = { now: string | null; user_id: string; key: string; policies_id: string | null } & (
  | { fingerprint: string; outcome: string; marked_at: null }
  | { outcome: null; signed_at: string; marked_at: string }
);

const ANSWER_COLUMNS: Columns<NewAnswer> = {
  user_id: ['bigint', ({ key }) => key.userId],
  key: ['text', ({ key }) => key.key],
  fingerprint: ['bytea', ({ key }) => key.fingerprint],
  outcome: ['json element', ({ outcome }) => writeOutcome(outcome)],
  rpc: ['text', ({ rpc }) => rpc],
};

const INSERT_ANSWERS = insertDated<NewAnswer>(
  'idempotency_keys',
  ({ answers }) => answers.added.filter(({ replaces }) => !replaces),
  ANSWER_COLUMNS,
);

const REPLACING = givenRows<NewAnswer>('new', {
  ...ANSWER_COLUMNS,
  signed_at: ['bigint', ({ replaces }) => replaces?.signedAt],
  marked_at: ['timestamptz', ({ replaces }) => replaces?.at],
});

/**
 * Puts answers in the place of marks. If a mark has changed since it was read, the batch runs again and sees the new one. Answers
 * have no signed_at.
 */
const REPLACE_MARKS = touchingAll<NewAnswer>({
  name: 'replace-marks',
  text: `
  UPDATE idempotency_keys k SET fingerprint = new.fingerprint, outcome = new.outcome, rpc = new.rpc,
    signed_at = NULL, created_at = ${REPLACING.next}
  FROM ${REPLACING.text}, LATERAL (
      SELECT i.ctid FROM idempotency_keys i WHERE i.user_id = new.user_id AND i.key = new.key OFFSET 0
    ) AS found
  WHERE k.ctid = found.ctid AND k.signed_at = new.signed_at AND k.created_at = new.marked_at`,
  rows: ({ answers }) => answers.added.filter(({ replaces }) => replaces),
  values: (added, { at }) => [...REPLACING.values(added), timestamptz(at)],
});

/** Where a row is inserted as a mark: a mark under the same key becomes the later one of both, and an answer stays. */
export const OR_LATER_MARK = `
  ON CONFLICT (user_id, key) DO UPDATE SET signed_at = greatest(k.signed_at, excluded.signed_at),
    created_at = greatest(k.created_at, excluded.created_at)
  WHERE k.outcome IS NULL`;

const MARKS = givenRows<NewMark>('new', {
  user_id: ['bigint', ({ key }) => key.userId],
  key: ['text', ({ key }) => key.key],
  signed_at: ['bigint', ({ mark }) => mark.signedAt],
  created_at: ['timestamptz', ({ mark }) => mark.at],
});

/**
 * Leaves marks where calls were refused. It waits for an answer that is being written under one of the keys. Once that
 * answer is there its row is not touched, and the batch runs again and sees it.
 */
const INSERT_MARKS = touchingAll<NewMark>({
  name: 'insert-marks',
  text: `
  INSERT INTO idempotency_keys AS k (${MARKS.names}) SELECT * FROM ${MARKS.text}
  ${OR_LATER_MARK}`,
  // The same order in every batch, so that two batches never wait for each other's rows in a circle.
  rows: ({ answers }) => answers.newMarks().sort((a, b) => (answerKey(a.key) < answerKey(b.key) ? -1 : 1)),
  values: MARKS.values,
});

/** Reads the clock and what is stored under the keys of a batch. */
export const answers: Facet<Answers> = {
  /** Sets the clock and the id of the policies of the context as well. */
  load: async (client, asked, context) => {
    const { rows } = await client.query<Row>({
      name: 'read-clock-and-answers',
      text: READ_CLOCK_AND_ANSWERS,
      values: [plainArray(asked.map(({ key }) => key.userId)), textArray(asked.map(({ key }) => key.key))],
    });
    context.clockReadAt = performance.now();
    const answers = new Map<string, Answer>();
    const marks = new Map<string, Mark>();
    for (const row of rows) {
      if (row.now !== null) {
        context.at = Number(row.now);
        context.policiesId = row.policies_id ?? undefined;
        continue;
      }
      const name = answerKey({ userId: BigInt(row.user_id), key: row.key });
      if (row.outcome === null)
        marks.set(name, { signedAt: Number(row.signed_at), at: Number(row.marked_at) });
      else answers.set(name, { fingerprint: row.fingerprint, outcome: readOutcome(row.outcome) });
    }
    return new Answers(answers, marks, context);
  },
  statements: [INSERT_ANSWERS, REPLACE_MARKS, INSERT_MARKS],
};
