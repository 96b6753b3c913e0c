// The plans of the ledger's statements, and of those in the functions and triggers behind them: made once on a connection, when there
// may be few rows, and kept while they become many.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LEDGER_SETTINGS } from '../../src/db/pool.ts';
import { STATEMENTS } from '../../src/ledger/facets/index.ts';
import { makeDatabase, ownerPool, type Stack, startStack } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { makeEveryStatement } from './every-statement.ts';
import { explainEverything, listenToLedger, type Scan, type SeenPlan } from './seen-plans.ts';

/** Tables that never have many rows. */
const FEW_ROWS = ['limit_policies', 'limit_policy_set'];
const FIRST_USER = 7100;

let stack: Stack;
let listening: ReturnType<typeof listenToLedger>;
/** The first column of each index. */
let firstColumns: ReadonlyMap<string, string>;
before(async () => {
  const database = await makeDatabase();
  await explainEverything(database);
  listening = listenToLedger();
  stack = await startStack({ database });
  const { rows } = await stack.db.query<{ name: string; first: string }>(
    'SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid, 1, true) AS first FROM pg_index',
  );
  firstColumns = new Map(rows.map(({ name, first }) => [name, first]));
});
after(async () => {
  listening.stop();
  await stack.stop();
});

/** Whether a scan reads more the more rows there are: its index is not asked for a value of its first column. */
function readsAll({ table, index, condition }: Scan): boolean {
  if (table !== undefined && FEW_ROWS.includes(table)) return false;
  if (index === undefined) return condition === '';
  return !condition.includes(`${firstColumns.get(index)} = `);
}

const readers = (plans: readonly SeenPlan[]) => [
  ...new Set(
    plans.flatMap(({ text, scans }) =>
      scans.filter(readsAll).map((scan) => `${JSON.stringify(scan)} of ${text}`),
    ),
  ),
];

/** Counts the rows of tables with such names as autovacuum does, which leaves out those that have none. */
async function analyze(names: RegExp): Promise<void> {
  const { rows } = await stack.db.query<{ name: string }>(`
    SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
      AND pg_relation_size(oid) > 0`);
  for (const { name } of rows) if (names.test(name)) await stack.db.query(`ANALYZE ${name}`);
}

/** Most money of a young system came from one account: to Postgres each account looks like that one. */
async function depositFromOne(): Promise<void> {
  await asOwner(`INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
      debit_balance_after, credit_balance_after, memo)
    SELECT uuidv7(), now(), 'deposit', 'KRW', 1, '00000000-0000-4000-8000-000000000001', gen_random_uuid(), 0, 0, 'one'
    FROM generate_series(1, 40000)`);
}

/** Past the triggers that keep transfers. */
async function asOwner(sql: string): Promise<void> {
  const client = await stack.db.connect();
  await client.query(`SET session_replication_role = replica; ${sql}; RESET session_replication_role`);
  client.release();
}

test('no statement reads all of a table or an index when few rows were counted', async () => {
  await depositFromOne();
  await analyze(/^transfers_/);
  await makeEveryStatement(stack, FIRST_USER);
  await analyze(/^(?!transfers_)/);
  listening.seen.length = 0;
  await makeEveryStatement(stack, FIRST_USER + 10);
  const limit = (held: number, dayOut: number) =>
    stack.db.query(`SELECT put_limit_policy('unverified', 'KRW', $1::bigint[], 'UTC')`, [
      [held, null, dayOut, null, null, null, null],
    ]);
  await limit(1e9, 1e9);
  await makeEveryStatement(stack, FIRST_USER + 20);
  // What users moved before is counted, of all that they have.
  for (const user of [FIRST_USER, FIRST_USER + 1]) await stack.as(user).pay(FIRST_USER + 2, 1);
  await limit(1e9, 1);
  assert.equal((await stack.as(FIRST_USER).pay(FIRST_USER + 2, 2)).reason, 'LIMIT_EXCEEDED');
  await asOwner(`DELETE FROM transfers WHERE memo = 'one'`);
  assert.deepEqual(readers(listening.seen), []);
  const texts = new Set(listening.seen.map(({ text }) => text));
  for (const { name, text } of STATEMENTS)
    assert.ok(
      texts.has(text),
      `${name} was not sent: test/ledger/every-statement.ts has to make a call that sends it`,
    );
});

/** Joins as they are written without a thought for plans. */
const JOINS = {
  'a read': `SELECT k.outcome::text FROM unnest($1::bigint[], $2::text[]) AS asked (user_id, key)
    JOIN idempotency_keys k USING (user_id, key)`,
  'an update': `UPDATE idempotency_keys k SET created_at = now() FROM unnest($1::bigint[], $2::text[]) AS asked (user_id, key)
    WHERE k.user_id = asked.user_id AND k.key = asked.key AND k.outcome IS NULL`,
} as const;

for (const [what, text] of Object.entries(JOINS)) {
  test(`negative control: ${what} with a plain join reads all`, async () => {
    const database = await makeDatabase();
    await explainEverything(database);
    const owner = ownerPool(database);
    await owner.query(`INSERT INTO idempotency_keys (user_id, key, signed_at, created_at)
      SELECT 1, n::text, 0, now() FROM generate_series(1, 5) AS n`);
    await owner.query('ANALYZE idempotency_keys');
    const pool = createTestPool(database.appUrl, { maxConnections: 1, settings: LEDGER_SETTINGS });
    listening.seen.length = 0;
    await pool.query({ name: 'joining', text, values: ['{1}', '{x}'] });
    assert.notDeepEqual(readers(listening.seen), []);
    await Promise.all([pool.end(), owner.end()]);
    await database.drop();
  });
}
