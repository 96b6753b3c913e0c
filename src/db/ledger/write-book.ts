// Writes what a batch decided, each table with one statement, and commits. Two round trips for all of it.
import type { PoolClient } from 'pg';
import type { Book } from '../../domain/book.ts';
import { plainArray, textArray, timestamptz } from '../sql.ts';
import { BookMovedError } from './load-book.ts';
import { closeRefunded, insertJobs } from './write-follow-ups.ts';
import { answerColumns, insertMarks, replaceMarks } from './write-marks.ts';
import { insertPayouts, noteFailedLines, updatePayouts } from './write-payouts.ts';

/** Accounts start empty; what moves into them is posted afterwards, in the same transaction. */
const INSERT_ACCOUNTS = `
  INSERT INTO accounts (id, kind, currency, owner_user_id, display_name, created_at)
  SELECT new.*, $6 FROM unnest($1::uuid[], $2::account_kind[], $3::text[], $4::bigint[], $5::text[])
    AS new (id, kind, currency, owner_user_id, display_name)`;

/** Transfers and what they make of their accounts: this login may write neither by itself (migrations 0050 and 0056). */
const POST_TRANSFERS = 'SELECT post_dated_transfers($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)';

const INSERT_ANSWERS = `
  INSERT INTO idempotency_keys (user_id, key, fingerprint, outcome, rpc, created_at)
  SELECT new.user_id, new.key, decode(new.fingerprint, 'hex'), new.outcome, new.rpc, $6
  FROM ROWS FROM (unnest($1::bigint[]), unnest($2::text[]), unnest($3::text[]), json_array_elements($4::json),
    unnest($5::text[])) AS new (user_id, key, fingerprint, outcome, rpc)`;

const INSERT_SPRINKLES = `
  INSERT INTO sprinkles (id, room_id, token, creator_user_id, source_account_id, pot_account_id, currency, amount,
    shares, created_at, expires_at)
  SELECT new.id, new.room_id, new.token, new.creator, new.source, new.pot, new.currency, new.amount,
    new.shares::bigint[], $10, new.expires_at
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::uuid[], $6::uuid[], $7::text[], $8::bigint[],
    $9::text[], $11::timestamptz[])
    AS new (id, room_id, token, creator, source, pot, currency, amount, shares, expires_at)`;

/** Takes each token over from an expired sprinkle or takes it new; one that is live after all is left out. */
const TAKE_TOKENS = `
  INSERT INTO sprinkle_tokens AS held (room_id, token, sprinkle_id, expires_at)
  SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::timestamptz[])
  ON CONFLICT (room_id, token) DO UPDATE SET sprinkle_id = excluded.sprinkle_id, expires_at = excluded.expires_at
  WHERE held.expires_at <= $5`;

const INSERT_CLAIMS = `
  INSERT INTO sprinkle_claims (sprinkle_id, share_index, user_id, amount, transfer_id, created_at)
  SELECT new.*, $6 FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::bigint[], $5::uuid[])
    AS new (sprinkle_id, share_index, user_id, amount, transfer_id)`;

/** The last claim empties the pot, and an empty pot is closed. */
const COUNT_CLAIMS = `
  UPDATE sprinkles s SET claimed_count = s.claimed_count + new.claims,
    closed_at = CASE WHEN s.claimed_count + new.claims = cardinality(s.shares) THEN $2::timestamptz END
  FROM (SELECT id, count(*)::integer AS claims FROM unnest($1::uuid[]) AS id GROUP BY id) AS new WHERE s.id = new.id`;

/** One statement over all rows of a kind. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly string[];
  /** How many rows it must have touched; any other number means that another batch came between. */
  readonly rows: number;
}

/**
 * Writes the book and commits. Throws what Postgres says, or BookMovedError; the transaction is then rolled back by
 * its caller. When it returns, everything is on disk; it returns how long the commit took, in milliseconds. The commit
 * waits for `ready`, and is not made where that throws.
 */
export async function writeBook(client: PoolClient, book: Book, ready: Promise<unknown>): Promise<number> {
  const statements = [
    insertAccounts(book),
    postTransfers(book),
    insertAnswers(book),
    replaceMarks(book),
    insertMarks(book),
    insertSprinkles(book),
    takeTokens(book),
    insertClaims(book),
    countClaims(book),
    closeRefunded(book),
    insertJobs(book),
    insertPayouts(book),
    updatePayouts(book),
    noteFailedLines(book),
  ].filter((statement) => statement.rows > 0);
  const sent = statements.map((statement) => run(client, statement));
  // An error is thrown only once the connection is quiet again.
  await Promise.allSettled([...sent, ready]);
  await Promise.all([...sent, ready]);
  // COMMIT goes out after every row count was seen to be right, never along with the statements.
  const committingAt = performance.now();
  await client.query('COMMIT');
  return performance.now() - committingAt;
}

async function run(client: PoolClient, { name, text, values, rows }: Statement): Promise<void> {
  const result = await client.query({ name, text, values: [...values] });
  if (result.rowCount !== rows) throw new BookMovedError();
}

function insertAccounts(book: Book): Statement {
  const opened = book.openedAccounts();
  return {
    name: 'insert-accounts',
    text: INSERT_ACCOUNTS,
    values: [
      plainArray(opened.map(({ id }) => id)),
      plainArray(opened.map(({ kind }) => kind)),
      plainArray(opened.map(({ currency }) => currency)),
      plainArray(opened.map(({ ownerUserId }) => ownerUserId ?? 'NULL')),
      textArray(opened.map(({ displayName }) => displayName)),
      timestamptz(book.at),
    ],
    rows: opened.length,
  };
}

function postTransfers(book: Book): Statement {
  const transfers = book.newTransfers;
  const at = timestamptz(book.at);
  return {
    name: 'post-transfers',
    text: POST_TRANSFERS,
    values: [
      plainArray(transfers.map(({ id }) => id)),
      plainArray(transfers.map(({ kind }) => kind)),
      plainArray(transfers.map(({ currency }) => currency)),
      plainArray(transfers.map(({ amount }) => amount)),
      plainArray(transfers.map(({ debitAccountId }) => debitAccountId)),
      plainArray(transfers.map(({ creditAccountId }) => creditAccountId)),
      plainArray(transfers.map(({ debitBalanceAfter }) => debitBalanceAfter)),
      plainArray(transfers.map(({ creditBalanceAfter }) => creditBalanceAfter)),
      plainArray(transfers.map(({ sprinkleId }) => sprinkleId ?? 'NULL')),
      textArray(transfers.map(({ memo }) => memo)),
      textArray(transfers.map(({ keyId }) => keyId)),
      // Nearly all of them are of the batch's moment, and writing that out again and again is dear.
      plainArray(transfers.map(({ createdAt }) => (createdAt === book.at ? at : timestamptz(createdAt)))),
    ],
    // The function itself counts what it wrote; its answer is one row.
    rows: Math.min(transfers.length, 1),
  };
}

function insertAnswers(book: Book): Statement {
  const answers = book.newAnswers.filter(({ replaces }) => !replaces);
  return {
    name: 'insert-answers',
    text: INSERT_ANSWERS,
    values: [...answerColumns(answers), timestamptz(book.at)],
    rows: answers.length,
  };
}

function insertSprinkles(book: Book): Statement {
  const made = book.rooms.newSprinkles;
  return {
    name: 'insert-sprinkles',
    text: INSERT_SPRINKLES,
    values: [
      plainArray(made.map(({ sprinkle }) => sprinkle.id)),
      textArray(made.map(({ sprinkle }) => sprinkle.roomId)),
      textArray(made.map(({ sprinkle }) => sprinkle.token)),
      plainArray(made.map(({ sprinkle }) => sprinkle.creatorUserId)),
      plainArray(made.map(({ sprinkle }) => sprinkle.sourceAccountId)),
      plainArray(made.map(({ sprinkle }) => sprinkle.potAccountId)),
      plainArray(made.map(({ sprinkle }) => sprinkle.currency)),
      plainArray(made.map(({ sprinkle }) => sprinkle.amount)),
      textArray(made.map(({ shares }) => plainArray(shares))),
      timestamptz(book.at),
      plainArray(made.map(({ sprinkle }) => timestamptz(sprinkle.expiresAt))),
    ],
    rows: made.length,
  };
}

function takeTokens(book: Book): Statement {
  // In one order in every batch, so that two of them never wait for each other's rows in a circle.
  const held = book.rooms.newSprinkles
    .map(({ sprinkle }) => sprinkle)
    .sort((a, b) => (`${a.roomId}/${a.token}` < `${b.roomId}/${b.token}` ? -1 : 1));
  return {
    name: 'take-tokens',
    text: TAKE_TOKENS,
    values: [
      textArray(held.map(({ roomId }) => roomId)),
      textArray(held.map(({ token }) => token)),
      plainArray(held.map(({ id }) => id)),
      plainArray(held.map(({ expiresAt }) => timestamptz(expiresAt))),
      timestamptz(book.at),
    ],
    rows: held.length,
  };
}

function insertClaims(book: Book): Statement {
  const claims = book.rooms.newClaims;
  return {
    name: 'insert-claims',
    text: INSERT_CLAIMS,
    values: [
      plainArray(claims.map(({ sprinkleId }) => sprinkleId)),
      plainArray(claims.map(({ shareIndex }) => shareIndex)),
      plainArray(claims.map(({ userId }) => userId)),
      plainArray(claims.map(({ amount }) => amount)),
      plainArray(claims.map(({ transferId }) => transferId)),
      timestamptz(book.at),
    ],
    rows: claims.length,
  };
}

function countClaims(book: Book): Statement {
  const sprinkleIds = book.rooms.newClaims.map(({ sprinkleId }) => sprinkleId);
  return {
    name: 'count-claims',
    text: COUNT_CLAIMS,
    values: [plainArray(sprinkleIds), timestamptz(book.at)],
    rows: new Set(sprinkleIds).size,
  };
}
