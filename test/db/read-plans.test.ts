// The plans of what is read over connections that keep them (READ_SETTINGS): made on an empty database, as on the first day of one,
// each still finds its rows by an index, and reads no month of transfers that cannot have them.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { historyFrom, readHistory } from '../../src/db/archive/index.ts';
import { findPayout } from '../../src/db/payouts/index.ts';
import { type Pool, READ_SETTINGS, type Reader } from '../../src/db/pool.ts';
import * as reads from '../../src/db/reads/index.ts';
import type { Micros } from '../../src/domain/time.ts';
import { makeDatabase, type TestDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';

const ID = '01939d6e-7b3c-7000-8000-000000000001';
/** The moment in that id. */
const AT = 0x01939d6e7b3c * 1000;
const NEVER = Date.UTC(2999, 0, 1) * 1000;
const MONTHS = 12;
const PLACE = { createdAt: AT, id: ID };
const WALLET = { id: ID, ownerUserId: 1n };
const ALL = { kinds: undefined, from: undefined, before: undefined };
const HOLDS = { states: [], after: undefined, size: 20 };

type Read = (db: Reader & Pool) => Promise<unknown>;
const list =
  (after: typeof PLACE | undefined, from?: Micros): Read =>
  (db) =>
    reads.listTransfers(db, WALLET, { from, before: undefined }, after, 20);
const search =
  (after: typeof PLACE | undefined): Read =>
  (db) =>
    reads.searchTransfers(db, { accountId: ID, others: [ID] }, { ...ALL, kinds: ['transfer'] }, after, 20);

/** How many months' partitions may be read of those from this one to a year ahead: this month's and the next one's. */
const NOW_AND_NEXT = 2;

const READS: Readonly<Record<string, readonly [read: Read, months?: number]>> = {
  'a transfer': [(db) => reads.findTransfer(db, ID), 0],
  'transfers of a batch': [(db) => reads.findTransfers(db, [ID]), 0],
  'a history, first page': [list(undefined), NOW_AND_NEXT],
  'a history, a later page': [list(PLACE), 0],
  'a history from a moment on': [list(undefined, NEVER), 0],
  'a search, first page': [search(undefined), NOW_AND_NEXT],
  'a search, a later page': [search(PLACE), 0],
  'a history, oldest first': [
    (db) => readHistory({ reads: db, archive: undefined }, ID, historyFrom(AT), AT + 1, 20),
    0,
  ],
  'the balance at a moment': [(db) => reads.lastBalance(db, ID, AT), 0],
  'the funder of a pot': [(db) => reads.findFunder(db, ID)],
  refunds: [(db) => reads.listRefunds(db, ID, undefined, 20)],
  'what is kept beside transfers': [(db) => reads.findTransferFacts(db, [ID])],
  'transfers with a label': [(db) => reads.findLabeled(db, ID, { key: 'a', value: 'b' }, ALL, undefined, 20)],
  'a counterparty': [(db) => reads.findCounterparties(db, { ...ALL, counterpartyWalletId: ID })],
  'wallets of a counterparty': [(db) => reads.findCounterparties(db, { ...ALL, counterpartyUserId: 1n })],
  wallets: [(db) => reads.findWallets(db, [ID])],
  'a default wallet': [(db) => reads.findDefaultWallet(db, 1n)],
  'wallets of a user': [(db) => reads.listWallets(db, 1n, PLACE, 20)],
  'the last change of a wallet': [(db) => reads.findLastChange(db, ID)],
  'a token': [(db) => reads.findToken(db, 'room', 'abc')],
  'a claim': [(db) => reads.hasClaimed(db, ID, 1n)],
  'a sprinkle': [(db) => reads.findSprinkleById(db, 'room', ID)],
  'a sprinkle by its token': [(db) => reads.findSprinkleByToken(db, 1n, 'room', 'abc')],
  'sprinkles of a creator': [(db) => reads.listSprinkles(db, 1n, 'room', 1000, undefined, 20)],
  claims: [(db) => reads.listClaims(db, ID, 10)],
  'a hold': [(db) => reads.findHold(db, ID)],
  'holds of a wallet': [(db) => reads.listHolds(db, ID, HOLDS)],
  'holds and gifts of a wallet': [(db) => reads.listAllSetAside(db, ID, HOLDS)],
  'gifts of a user': [(db) => reads.listGifts(db, 1n, 'both', HOLDS)],
  'holds of pots': [(db) => reads.findHoldsOfPots(db, [ID])],
  'a subject by its reference': [(db) => reads.findSubject(db, 1n, 'transfer', 'order')],
  annotations: [(db) => reads.findAnnotations(db, [ID])],
  'a payout': [(db) => findPayout(db, ID)],
};

let database: TestDatabase;
let pool: Pool;
before(async () => {
  database = await makeDatabase();
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query('SELECT ensure_transfer_partitions($1)', [MONTHS]);
  await owner.end();
  pool = createTestPool(database.appUrl, { maxConnections: 1, settings: READ_SETTINGS });
});
after(async () => {
  await pool.end();
  await database.drop();
});

interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The first statement that a read sends. */
async function statementOf(read: Read): Promise<Statement> {
  const sent: Statement[] = [];
  const query = async (statement: Statement) => {
    sent.push(statement);
    return { rows: [], rowCount: 0 };
  };
  await read({ query } as unknown as Reader & Pool).catch(() => {});
  const [first] = sent;
  assert.ok(first);
  return first;
}

/** The plan that a connection keeps for a statement, for the values of one read. */
async function planOf({ text, values }: Statement): Promise<string> {
  await pool.query(`PREPARE reading AS ${text}`);
  const given = values.map((value) =>
    value === null || value === undefined
      ? 'NULL'
      : pg.escapeLiteral(Array.isArray(value) ? `{${value.join()}}` : String(value)),
  );
  const { rows } = await pool.query(`EXPLAIN EXECUTE reading ${given.length > 0 ? `(${given.join()})` : ''}`);
  await pool.query('DEALLOCATE reading');
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

/** Scans that read a whole table or index: without a condition on an index. */
function wholeScans(plan: string): string[] {
  const nodes = plan.split(/^(?=.*->)/m);
  return nodes.filter(
    (node) =>
      /Seq Scan on/.test(node) ||
      (/Index (Only )?Scan|Bitmap Index Scan/.test(node) && !node.includes('Index Cond')),
  );
}

describe('read by indexes', () => {
  for (const [what, [read, months]] of Object.entries(READS)) {
    test(what, async () => {
      const plan = await planOf(await statementOf(read));
      assert.deepEqual(wholeScans(plan), [], plan);
      if (months === undefined) return;
      assert.doesNotMatch(plan, /\bSort {2}\(/, 'what is read of months comes in the order of an index');
      const partitions = new Set(plan.match(/\btransfers_\d{4}_\d\d\b/g));
      assert.ok(partitions.size <= months, plan);
    });
  }
});

test('negative control: what no index finds reads a whole table', async () => {
  const text = 'SELECT * FROM accounts WHERE display_name = $1';
  assert.notDeepEqual(wholeScans(await planOf({ text, values: ['Anna'] })), []);
});

test('negative control: a place alone leaves out no months', async () => {
  const text = `SELECT id FROM transfers WHERE debit_account_id = $1 AND (created_at, id) < ($2::timestamptz, $3::uuid)
    ORDER BY created_at DESC, id DESC LIMIT 20`;
  const plan = await planOf({ text, values: [ID, '2024-12-07Z', ID] });
  assert.ok(new Set(plan.match(/\btransfers_\d{4}_\d\d\b/g)).size > NOW_AND_NEXT, plan);
});
