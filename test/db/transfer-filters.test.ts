// Every combination of filters returns what it should, page by page, and no page reads more than a bounded number of rows:
// each statement is run under EXPLAIN as well.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import type { Reader } from '../../src/db/pool.ts';
import type { Account } from '../../src/domain/account.ts';
import type { PostedTransfer } from '../../src/domain/transfer.ts';
import { matches, type TransferFilter } from '../../src/domain/transfer-filter.ts';
import { createTransferRepository, type TransferRepository } from '../../src/repositories/index.ts';
import { makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';

/** Transfers of the shop, of whom there are others; more than three pages examine. */
const OF_SHOP = 1800;
const OF_OTHERS = 12_000;
const SHOP = { id: wallet(1), ownerUserId: 1n, version: OF_SHOP, currency: 'KRW' } as Account;
/** What one page may examine of each side of a wallet, and what its statements may touch, in pages of 8 KiB. */
const MOST_ROWS = 500;
const MOST_BUFFERS = 6000;
const PAGE = 20;

let database: TestDatabase;
let db: pg.Pool;
/** Tables as small as these are read faster as a whole; in large ones Postgres goes by the indexes without being told to. */
let byIndex: pg.Pool;
let transfers: TransferRepository;
const worst = { rows: 0, buffers: 0 };
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  const options = '-c enable_seqscan=off -c enable_bitmapscan=off';
  byIndex = new pg.Pool({ connectionString: database.ownerUrl, max: 1, options });
  await fill();
  transfers = createTransferRepository({
    cache: { read: (_kind, _id, load) => load() },
    primary: db,
    readFromReplica: (read) => read(explaining),
    archive: undefined,
  });
});
after(async () => {
  await Promise.all([db.end(), byIndex.end()]);
  await database.drop();
});

/** The id of the n-th user's wallet. */
function wallet(n: number): string {
  return `${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`;
}

/** User 1 has a shop; users 2 to 4 pay it often, user 5 rarely, and everybody else pays each other. */
async function fill(): Promise<void> {
  const client = await db.connect();
  const id = (n: string) => `(lpad(${n}::text, 8, '0') || '-0000-4000-8000-000000000000')::uuid`;
  try {
    await client.query('BEGIN');
    // The history of the shop is in two months.
    await client.query('SELECT ensure_transfer_partitions(0)');
    await client.query(`DO $$ BEGIN EXECUTE format('CREATE TABLE transfers_before PARTITION OF transfers FOR VALUES FROM (%L) TO (%L)',
      date_trunc('month', now()) - interval '1 month', date_trunc('month', now())); END $$`);
    await client.query(`INSERT INTO users (id, display_name) SELECT n, 'u' FROM generate_series(1, 400) n`);
    await client.query(`
      INSERT INTO accounts (id, kind, currency, owner_user_id, is_default, created_at, version)
      SELECT ${id('n')}, 'wallet', 'KRW', 1 + (n - 1) % 400, n <= 400, now(), CASE n WHEN 5 THEN 4 ELSE ${OF_SHOP * 2} END
      FROM generate_series(1, 402) n`);
    await client.query(`
      INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
        debit_balance_after, credit_balance_after)
      SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid,
        at, (CASE WHEN n % 900 = 1 THEN 'claim' ELSE 'transfer' END)::transfer_kind, 'KRW', 1 + n % 1000,
        CASE WHEN n > ${OF_SHOP} THEN ${id('(6 + n % 190)')} WHEN n % 450 = 7 THEN ${id('5')} WHEN n % 3 = 0 THEN ${id('1')}
          ELSE ${id('(2 + n % 3)')} END,
        CASE WHEN n > ${OF_SHOP} THEN ${id('(200 + n % 190)')} WHEN n % 450 <> 7 AND n % 3 = 0 THEN ${id('(2 + n % 2 * 400)')}
          ELSE ${id('1')} END, 0, 0
      FROM (SELECT n, md5(n::text) AS h, date_trunc('month', now()) + (${OF_SHOP / 2} - n % ${OF_SHOP}) * interval '10 seconds' AS at
        FROM generate_series(1, ${OF_SHOP + OF_OTHERS}) n) g`);
    await client.query(`
      INSERT INTO annotations (subject_id, subject, user_id, created_at, reference, labels)
      SELECT id, 'transfer', 1, created_at, CASE WHEN amount = 8 THEN 'order-' || kind || created_at::date || substr(id::text, 15) END,
        CASE WHEN amount % 2 = 0 THEN '[["kind", "even"], ["shop", "Seoul"]]'::json ELSE '[["shop", "Busan"]]' END
      FROM transfers WHERE ${id('1')} IN (debit_account_id, credit_account_id)`);
    await client.query('COMMIT');
    await client.query('VACUUM ANALYZE transfers, accounts, annotations, transfer_labels');
  } finally {
    client.release();
  }
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

/** Runs each statement twice: as it is, and to see what it reads. */
const explaining = {
  async query(statement: { text: string; values: unknown[] }) {
    const text = `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${statement.text}`;
    const { rows } = await byIndex.query(text, statement.values);
    const [{ Plan: plan }] = rows[0]['QUERY PLAN'];
    worst.buffers = Math.max(worst.buffers, plan['Shared Hit Blocks'] + plan['Shared Read Blocks']);
    for (const node of nodesOf(plan)) {
      const { 'Actual Rows': found, 'Actual Loops': loops, 'Rows Removed by Filter': removed = 0 } = node;
      const relation = node['Relation Name'] ?? '';
      if (!/^(?:transfer|annotations)/.test(relation)) continue;
      assert.doesNotMatch(node['Node Type'], /Seq Scan/, statement.text);
      worst.rows = Math.max(worst.rows, (found + removed) * loops);
    }
    return byIndex.query(statement);
  },
} as unknown as Reader;

function* nodesOf(plan: Plan): Generator<Plan> {
  yield plan;
  for (const child of plan.Plans ?? []) yield* nodesOf(child);
}

/** All that a filter selects, page by page, and how many pages that took. */
async function all(filter: TransferFilter): Promise<{ found: PostedTransfer[]; pages: number }> {
  const found: PostedTransfer[] = [];
  for (let after: { createdAt: number; id: string } | undefined, pages = 1; ; pages++) {
    const page = await transfers.list(SHOP, filter, after, PAGE);
    assert.ok(page.items.length <= PAGE);
    found.push(...page.items);
    after = page.next;
    if (!after) return { found, pages };
  }
}

const NOTHING: TransferFilter = { kinds: undefined, from: undefined, before: undefined };
const HOUR = 3_600_000_000;

test('each combination of filters returns what it selects, once and in order, out of bounded pages', async () => {
  const { found: everything } = await all(NOTHING);
  assert.equal(everything.length, OF_SHOP);
  const middle = everything[OF_SHOP / 2]?.transfer.createdAt ?? 0;
  const reference = everything.find(({ annotation }) => annotation?.reference)?.annotation?.reference;
  assert.ok(reference);
  const choices: readonly Partial<TransferFilter>[] = [
    { kinds: ['claim'] },
    { from: middle - HOUR, before: middle + HOUR },
    { label: { key: 'kind', value: 'even' } },
    { counterpartyWalletId: wallet(2) },
    { counterpartyUserId: 2n },
    { amountFrom: 300n, amountTo: 700n },
    { reference },
  ];
  for (let set = 0; set < 2 ** choices.length; set++) {
    const filter: TransferFilter = Object.assign(
      { ...NOTHING },
      ...choices.filter((_one, bit) => set & (1 << bit)),
    );
    const expected = everything.filter(
      (posted) =>
        matches(filter, SHOP.id, posted) &&
        [undefined, posted.annotation?.reference].includes(filter.reference),
    );
    const { found } = await all(filter);
    assert.deepEqual(found, expected, JSON.stringify(set));
  }
  assert.ok(worst.rows <= MOST_ROWS, `${worst.rows} rows`);
  assert.ok(worst.buffers <= MOST_BUFFERS, `${worst.buffers} buffers`);
});

test('what is rare among many is found by pages that examine few, and the shorter history is searched', async () => {
  const rare = { ...NOTHING, kinds: ['claim'] } as const;
  const { found, pages } = await all(rare);
  assert.deepEqual([found.length, pages], [2, Math.ceil(OF_SHOP / MOST_ROWS)]);
  // User 5 has four transfers: one page, and not the shop's whole history.
  for (const filter of [{ counterpartyUserId: 5n }, { counterpartyWalletId: wallet(5) }]) {
    const few = await all({ ...NOTHING, ...filter });
    assert.deepEqual([few.found.length, few.pages], [4, 1]);
  }
  for (const nobody of [{ counterpartyUserId: 9999n }, { counterpartyWalletId: wallet(9999) }])
    assert.deepEqual(await all({ ...NOTHING, ...nobody }), { found: [], pages: 1 });
});

test('negative control: a search that examines everything reads more rows than a page may', async () => {
  worst.rows = 0;
  const text = `SELECT * FROM transfers WHERE credit_account_id = $1 AND kind = 'claim' ORDER BY created_at DESC LIMIT 21`;
  await explaining.query({ name: 'unbounded', text, values: [SHOP.id] });
  assert.ok(worst.rows > MOST_ROWS, `${worst.rows} rows`);
});
