// Reads holds and gifts.
import { HOLD_STATES, type Hold, type HoldState } from '../../domain/hold.ts';
import { type Page, pageOf } from '../../domain/page.ts';
import type { Micros } from '../../domain/time.ts';
import type { Reader } from '../pool.ts';
import { HOLD_COLUMNS, type HoldRow, toHold } from '../rows.ts';
import { microsOf, plainArray, timestamptz } from '../sql.ts';

const NOW = `${microsOf('clock_timestamp()')} AS now`;

const FIND = `SELECT ${HOLD_COLUMNS}, ${NOW} FROM holds h WHERE h.id = $1`;

/** As stateAt() says it: what is over counts as expired before what is left has gone back. */
const STATE = `CASE WHEN h.state = 'open' AND h.expires_at <= clock_timestamp() THEN 'expired' ELSE h.state END`;

/** The newest of each state on one side of a wallet or user, by an index of its own. */
const side = (column: string, which = 'true') => `
  SELECT newest.* FROM unnest($4::text[]) AS kept (state), LATERAL (
    SELECT * FROM holds h WHERE h.${column} = $1 AND h.state = kept.state AND (h.created_at, h.id) < ($2, $3)
      AND ${STATE} = ANY ($5::text[]) AND ${which}
    ORDER BY h.created_at DESC, h.id DESC LIMIT $6) AS newest`;

/** None is on both sides of one wallet or user. */
const list = (...sides: readonly string[]) => `
  SELECT ${HOLD_COLUMNS}, ${NOW} FROM (${sides.join(' UNION ALL ')}) AS h
  ORDER BY h.created_at DESC, h.id DESC LIMIT $6`;

const IS_HOLD = `h.kind = 'hold'`;
const ON_WALLET = list(side('wallet_id', IS_HOLD), side('credit_wallet_id', IS_HOLD));
const ANY_ON_WALLET = list(side('wallet_id'), side('credit_wallet_id'));

const SENT = side('user_id', `h.kind = 'gift'`);
const RECEIVED = side('credit_user_id', `h.kind = 'gift'`);
const GIFTS = { sent: list(SENT), received: list(RECEIVED), both: list(SENT, RECEIVED) } as const;

/** Which gifts of a user: those it sent, those for it, or both. */
export type GiftSides = keyof typeof GIFTS;

const IDS_OF_POTS = 'SELECT h.id, h.pot_account_id FROM holds h WHERE h.pot_account_id = ANY ($1::uuid[])';

type Row = HoldRow & { now: string };

/** A hold as it was at the moment of reading. */
export interface HoldView {
  readonly hold: Hold;
  /** The moment of reading, by the database's clock. */
  readonly at: Micros;
}

/** Where the next page begins: before the hold of that moment and id. */
export interface HoldPlace {
  readonly createdAt: Micros;
  readonly id: string;
}

/** The hold with this id. */
export async function findHold(db: Reader, id: string): Promise<HoldView | undefined> {
  const { rows } = await db.query<Row>({ name: 'find-hold', text: FIND, values: [id] });
  return rows[0] && toView(rows[0]);
}

/** Which holds of whom, and the page of them. */
export interface HoldList {
  /** None: in all states. */
  readonly states: readonly HoldState[];
  readonly after: HoldPlace | undefined;
  readonly size: number;
}

/** The holds on a wallet and those that would be paid into it, newest first, one page. */
export function listHolds(db: Reader, walletId: string, page: HoldList): Promise<Page<HoldView, HoldPlace>> {
  return listBy(db, { name: 'list-holds', text: ON_WALLET }, walletId, page);
}

/** The same, and the gifts on the wallet and to the user whose default wallet it was. */
export function listAllSetAside(
  db: Reader,
  walletId: string,
  page: HoldList,
): Promise<Page<HoldView, HoldPlace>> {
  return listBy(db, { name: 'list-holds-and-gifts', text: ANY_ON_WALLET }, walletId, page);
}

/** The gifts that a user sent or may receive, newest first, one page. */
export function listGifts(
  db: Reader,
  userId: bigint,
  sides: GiftSides,
  page: HoldList,
): Promise<Page<HoldView, HoldPlace>> {
  return listBy(db, { name: `list-gifts-${sides}`, text: GIFTS[sides] }, userId, page);
}

async function listBy(
  db: Reader,
  statement: { readonly name: string; readonly text: string },
  owner: string | bigint,
  { states, after, size }: HoldList,
): Promise<Page<HoldView, HoldPlace>> {
  const start = after
    ? [timestamptz(after.createdAt), after.id]
    : ['infinity', '00000000-0000-0000-0000-000000000000'];
  const asked = states.length === 0 ? HOLD_STATES : states;
  // What is over and has not gone back yet is kept as open.
  const kept = asked.includes('expired') ? [...new Set([...asked, 'open'])] : asked;
  const values = [owner, ...start, plainArray(kept), plainArray(asked), size + 1];
  const { rows } = await db.query<Row>({ ...statement, values });
  return pageOf(rows.map(toView), size, ({ hold }) => ({ createdAt: hold.createdAt, id: hold.id }));
}

/** The ids of holds by their pots. */
export async function findHoldsOfPots(
  db: Reader,
  potIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ id: string; pot_account_id: string }>({
    name: 'find-holds-of-pots',
    text: IDS_OF_POTS,
    values: [plainArray(potIds)],
  });
  return new Map(rows.map((row) => [row.pot_account_id, row.id]));
}

function toView(row: Row): HoldView {
  return { hold: toHold(row), at: Number(row.now) };
}
