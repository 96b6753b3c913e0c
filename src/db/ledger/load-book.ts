// Reads what a batch of calls needs, after locking the accounts that it may change. One round trip for all of it.
import type { PoolClient, QueryResultRow } from 'pg';
import type { Mark } from '../../domain/attempt.ts';
import { type Answer, answerKey, Book } from '../../domain/book.ts';
import type { Call } from '../../domain/decide.ts';
import type { Random } from '../../domain/random.ts';
import { claimKey, memberKey, type OpenSprinkle } from '../../domain/room-book.ts';
import type { Micros } from '../../domain/time.ts';
import { lockPayouts } from '../payouts/rows.ts';
import { microsOf, plainArray, textArray } from '../sql.ts';
import { LOCK_WAIT_MS } from '../timeouts.ts';
import { findFreeTokens } from './free-tokens.ts';
import { readOutcome } from './outcome-json.ts';
import { readOwned } from './owned.ts';
import { type BatchReadSet, mergeReadSets } from './read-set.ts';
import {
  ACCOUNT_COLUMNS,
  type AccountRow,
  SPRINKLE_COLUMNS,
  type SprinkleRow,
  toAccount,
  toSprinkle,
} from './rows.ts';

/** How many equal external accounts each currency has (migration 0002). */
const STRIPES = 16;

/** A condition on accounts under the alias `a`: those that a batch needs. Its values are those of accountValues(). */
export const WANTED_ACCOUNTS = `a.id = ANY (
    $1::uuid[]
    || ARRAY(SELECT id FROM accounts WHERE owner_user_id = ANY ($2::bigint[]) AND is_default)
    || ARRAY(SELECT id FROM accounts WHERE kind = 'external' AND currency = ANY ($3::text[]) AND stripe = $4)
    || ARRAY(SELECT s.pot_account_id FROM unnest($5::text[], $6::text[]) AS wanted (room_id, token)
             JOIN sprinkle_tokens USING (room_id, token) JOIN sprinkles s ON s.id = sprinkle_id)
  )`;

/*
 * The lock. Rows are locked in the order of their ids, so two batches that share accounts wait for each other and
 * never in a circle. ORDER BY is applied before FOR NO KEY UPDATE, and ids never change, so the order holds. The
 * subqueries are ARRAY(…) so that they run once, before, and the accounts are found by their primary key. What
 * they look up (default wallets, stripes, the pots that tokens mean) is checked or immutable: a token that moved on to
 * another sprinkle meanwhile is found by the second read, whose pot is then not in the book, and the batch runs again.
 */
const LOCK_ACCOUNTS = `
  SELECT ${ACCOUNT_COLUMNS} FROM accounts a WHERE ${WANTED_ACCOUNTS} ORDER BY a.id FOR NO KEY UPDATE`;

/**
 * The moment of the batch, read once the locks are held (whoever waited for a lock must not decide by an old clock), and
 * the answers given before, and the marks that refusals left, under the keys of its calls. The moment stands in a row of its own.
 */
const READ_CLOCK_AND_ANSWERS = `
  SELECT ${microsOf('clock_timestamp()')} AS now, NULL::bigint AS user_id, NULL AS key, NULL AS fingerprint, NULL AS outcome,
    NULL::bigint AS signed_at, NULL::bigint AS marked_at
  UNION ALL
  SELECT NULL, k.user_id, k.key, encode(k.fingerprint, 'hex'), k.outcome::text, k.signed_at,
    CASE WHEN k.outcome IS NULL THEN ${microsOf('k.created_at')} END
  FROM unnest($1::bigint[], $2::text[]) AS asked (user_id, key) JOIN idempotency_keys k USING (user_id, key)`;

const READ_SPRINKLES = `
  SELECT ${SPRINKLE_COLUMNS}, s.shares[s.claimed_count + 1 : s.claimed_count + wanted.claims]::text[] AS next_shares
  FROM unnest($1::text[], $2::text[], $3::integer[]) AS wanted (room_id, token, claims)
  JOIN sprinkle_tokens t ON t.room_id = wanted.room_id AND t.token = wanted.token
  JOIN sprinkles s ON s.id = t.sprinkle_id`;

const READ_CLAIMS = `
  SELECT c.sprinkle_id, c.user_id
  FROM unnest($1::text[], $2::text[], $3::bigint[]) AS wanted (room_id, token, user_id)
  JOIN sprinkle_tokens t ON t.room_id = wanted.room_id AND t.token = wanted.token
  JOIN sprinkle_claims c ON c.sprinkle_id = t.sprinkle_id AND c.user_id = wanted.user_id`;

const READ_MEMBERS = `
  SELECT m.room_id, m.user_id FROM unnest($1::text[], $2::bigint[]) AS wanted (room_id, user_id)
  JOIN room_members m USING (room_id, user_id)`;

/** What the batch locked is not what it then read: another batch came between. Running the batch again mends it. */
export class BookMovedError extends Error {}

/** The database's clock as it was read, and when that was heard here. */
export interface ClockReading {
  readonly now: Micros;
  /** By performance.now(). */
  readonly heardAt: number;
}

/** A row to wait for before anything else is locked, in Postgres' own queue. */
export interface WaitFor {
  readonly row: { readonly table: 'accounts' | 'payouts'; readonly id: string };
  readonly withinMs: number;
}

/**
 * Opens the batch's transaction, locks its accounts and reads everything that its calls need. Throws SQLSTATE 55P03 when
 * it waited for a lock longer than the connection allows. While it waits for the row of `waitFor` it holds no lock that
 * others could want.
 */
export async function loadBook(
  client: PoolClient,
  calls: readonly Call[],
  random: Random,
  waitFor?: WaitFor,
): Promise<{ readonly book: Book; readonly clock: ClockReading }> {
  const readSet = mergeReadSets(calls.map((call) => call.command.readSet(call.intent, random)));
  const reads = [
    waitFor ? beginAfter(client, waitFor) : client.query('BEGIN'),
    lockAccounts(client, readSet, random),
    readClockAndAnswers(client, calls),
    readSprinkles(client, readSet),
    readClaims(client, readSet),
    readMembers(client, readSet),
    findFreeTokens(client, readSet, random),
    lockPayouts(client, [...readSet.payoutIds]),
    readOwned(client, readSet.countsOf),
  ] as const;
  // All statements are on the wire; an error of one is thrown only once the connection is quiet again.
  await Promise.allSettled(reads);
  const [, accounts, { clock, answers, marks }, sprinkles, claims, members, freeTokens, payouts, owned] =
    await Promise.all(reads);
  const loaded = accounts.map(toAccount);
  const locked = new Set(loaded.map((account) => account.id));
  if (sprinkles.some(({ sprinkle }) => !locked.has(sprinkle.potAccountId))) throw new BookMovedError();
  const rooms = { sprinkles, claims, members, freeTokens };
  const book = new Book({ at: clock.now, accounts: loaded, rooms, payouts, owned, answers, marks }, random);
  return { book, clock };
}

/** Begins a transaction with the lock of one row. It goes against the order of ids: then a lock_timeout ends the circle. */
function beginAfter(client: PoolClient, { row, withinMs }: WaitFor): Promise<unknown> {
  const sent = [
    client.query(`BEGIN; SET LOCAL lock_timeout = ${Math.ceil(withinMs)}`),
    client.query({
      name: `wait-for-${row.table}`,
      text: `SELECT FROM ${row.table} WHERE id = $1 FOR NO KEY UPDATE`,
      values: [row.id],
    }),
    client.query(`SET LOCAL lock_timeout = ${LOCK_WAIT_MS}`),
  ];
  return Promise.allSettled(sent).then(() => Promise.all(sent));
}

async function lockAccounts(
  client: PoolClient,
  readSet: BatchReadSet,
  random: Random,
): Promise<AccountRow[]> {
  const { rows } = await client.query<AccountRow>({
    name: 'lock-accounts',
    text: LOCK_ACCOUNTS,
    values: accountValues(readSet, random),
  });
  return rows;
}

/** The values of WANTED_ACCOUNTS, $1 to $6. */
export function accountValues(readSet: BatchReadSet, random: Random): (string | number)[] {
  const sprinkles = [...readSet.sprinkles.values()];
  return [
    plainArray([...readSet.accountIds]),
    plainArray([...readSet.defaultWalletsOf]),
    plainArray([...readSet.externals]),
    random.below(STRIPES),
    textArray(sprinkles.map(({ roomId }) => roomId)),
    textArray(sprinkles.map(({ token }) => token)),
  ];
}

async function readClockAndAnswers(
  client: PoolClient,
  calls: readonly Call[],
): Promise<{
  readonly clock: ClockReading;
  readonly answers: Map<string, Answer>;
  readonly marks: Map<string, Mark>;
}> {
  type Row = { now: string | null; user_id: string; key: string } & (
    | { fingerprint: string; outcome: string; marked_at: null }
    | { outcome: null; signed_at: string; marked_at: string }
  );
  const { rows } = await client.query<Row>({
    name: 'read-clock-and-answers',
    text: READ_CLOCK_AND_ANSWERS,
    values: [plainArray(calls.map(({ key }) => key.userId)), textArray(calls.map(({ key }) => key.key))],
  });
  const heardAt = performance.now();
  const answers = new Map<string, Answer>();
  const marks = new Map<string, Mark>();
  let now = Number.NaN;
  for (const row of rows) {
    if (row.now !== null) {
      now = Number(row.now);
      continue;
    }
    const name = answerKey({ userId: BigInt(row.user_id), key: row.key });
    if (row.outcome === null) marks.set(name, { signedAt: Number(row.signed_at), at: Number(row.marked_at) });
    else answers.set(name, { fingerprint: row.fingerprint, outcome: readOutcome(row.outcome) });
  }
  return { clock: { now, heardAt }, answers, marks };
}

async function readSprinkles(client: PoolClient, readSet: BatchReadSet): Promise<OpenSprinkle[]> {
  const wanted = [...readSet.sprinkles.values()];
  const rows = await readIfAny<SprinkleRow & { next_shares: string[] }>(
    client,
    'read-sprinkles',
    READ_SPRINKLES,
    [
      wanted.map(({ roomId }) => roomId),
      wanted.map(({ token }) => token),
      wanted.map(({ claimers }) => claimers.size),
    ],
  );
  return rows.map((row) => ({ sprinkle: toSprinkle(row), nextShares: row.next_shares.map(BigInt) }));
}

async function readClaims(client: PoolClient, readSet: BatchReadSet): Promise<Set<string>> {
  const wanted = [...readSet.sprinkles.values()].flatMap(({ roomId, token, claimers }) =>
    [...claimers].map((userId) => ({ roomId, token, userId })),
  );
  type Row = { sprinkle_id: string; user_id: string };
  const rows = await readIfAny<Row>(client, 'read-claims', READ_CLAIMS, [
    wanted.map(({ roomId }) => roomId),
    wanted.map(({ token }) => token),
    wanted.map(({ userId }) => userId),
  ]);
  return new Set(rows.map((row) => claimKey(row.sprinkle_id, BigInt(row.user_id))));
}

async function readMembers(client: PoolClient, readSet: BatchReadSet): Promise<Set<string>> {
  const wanted = [...readSet.members].flatMap(([roomId, users]) =>
    [...users].map((userId) => ({ roomId, userId })),
  );
  type Row = { room_id: string; user_id: string };
  const rows = await readIfAny<Row>(client, 'read-members', READ_MEMBERS, [
    wanted.map(({ roomId }) => roomId),
    wanted.map(({ userId }) => userId),
  ]);
  return new Set(rows.map((row) => memberKey(row.room_id, BigInt(row.user_id))));
}

/** Runs a statement over lists of equal length; nothing is sent when they are empty. */
async function readIfAny<Row extends QueryResultRow>(
  client: PoolClient,
  name: string,
  text: string,
  columns: readonly (readonly string[] | readonly (number | bigint)[])[],
): Promise<Row[]> {
  if (columns[0]?.length === 0) return [];
  const values = columns.map((column) => (isText(column) ? textArray(column) : plainArray(column)));
  const { rows } = await client.query<Row>({ name, text, values });
  return rows;
}

function isText(column: readonly string[] | readonly (number | bigint)[]): column is readonly string[] {
  return typeof column[0] === 'string';
}
