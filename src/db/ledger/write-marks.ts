// Writes what stands under idempotency keys besides new answers: marks of refusals, and answers in place of them.
import type { Book, NewAnswer } from '../../domain/book.ts';
import { plainArray, textArray, timestamptz } from '../sql.ts';
import { writeOutcome } from './outcome-json.ts';
import type { Statement } from './write-book.ts';

/** A mark that is not the one any more that the batch has seen is left alone: the batch runs again and sees the new one. */
const REPLACE_MARKS = `
  UPDATE idempotency_keys k SET fingerprint = decode(new.fingerprint, 'hex'), outcome = new.outcome, rpc = new.rpc,
    signed_at = NULL, created_at = $8
  FROM ROWS FROM (unnest($1::bigint[]), unnest($2::text[]), unnest($3::text[]), json_array_elements($4::json),
    unnest($5::text[]), unnest($6::bigint[]), unnest($7::timestamptz[]))
    AS new (user_id, key, fingerprint, outcome, rpc, signed_at, marked_at)
  WHERE k.user_id = new.user_id AND k.key = new.key AND k.outcome IS NULL
    AND k.signed_at = new.signed_at AND k.created_at = new.marked_at`;

/**
 * An answer that is being written under one of the keys is waited for. Once it is there, its row is not touched, and the
 * batch runs again and sees it.
 */
const INSERT_MARKS = `
  INSERT INTO idempotency_keys AS k (user_id, key, signed_at, created_at)
  SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::timestamptz[])
  ON CONFLICT (user_id, key) DO UPDATE SET signed_at = greatest(k.signed_at, excluded.signed_at),
    created_at = greatest(k.created_at, excluded.created_at)
  WHERE k.outcome IS NULL`;

/** What answers are written as: user, key, fingerprint, outcome and RPC. */
export function answerColumns(answers: readonly NewAnswer[]): string[] {
  return [
    plainArray(answers.map(({ key }) => key.userId)),
    textArray(answers.map(({ key }) => key.key)),
    plainArray(answers.map(({ key }) => key.fingerprint)),
    // As one text, and not as an array of texts: JSON is full of quotes, and each would have to be escaped.
    `[${answers.map(({ outcome }) => writeOutcome(outcome)).join(',')}]`,
    textArray(answers.map(({ rpc }) => rpc)),
  ];
}

/** Puts answers in the place of marks. */
export function replaceMarks(book: Book): Statement {
  const answers = book.newAnswers.filter(({ replaces }) => replaces);
  const marks = answers.flatMap(({ replaces }) => replaces ?? []);
  return {
    name: 'replace-marks',
    text: REPLACE_MARKS,
    values: [
      ...answerColumns(answers),
      plainArray(marks.map(({ signedAt }) => signedAt)),
      plainArray(marks.map(({ at }) => timestamptz(at))),
      timestamptz(book.at),
    ],
    rows: answers.length,
  };
}

/** Leaves marks where calls were refused. */
export function insertMarks(book: Book): Statement {
  // In one order in every batch, so that two of them never wait for each other's rows in a circle.
  const marks = book.newMarks().sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return {
    name: 'insert-marks',
    text: INSERT_MARKS,
    values: [
      plainArray(marks.map(({ key }) => key.userId)),
      textArray(marks.map(({ key }) => key.key)),
      plainArray(marks.map(({ mark }) => mark.signedAt)),
      plainArray(marks.map(({ mark }) => timestamptz(mark.at))),
    ],
    rows: marks.length,
  };
}

const nameOf = ({
  key: { userId, key },
}: {
  readonly key: { readonly userId: bigint; readonly key: string };
}) => `${userId}/${key}`;
