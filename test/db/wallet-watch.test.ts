// Why a cursor of a wallet misses nothing and doubles nothing, and what watchers cost: the proofs of docs/internals/streams.md.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import type { Pool } from '../../src/db/pool.ts';
import type { TransferPlace } from '../../src/db/reads/index.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { createTransferRepository, createWatchRepository, QUIET } from '../../src/repositories/index.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import type { Core } from '../../src/usecases/index.ts';
import { type WalletEvent, watchWallet } from '../../src/usecases/queries/watch-wallet.ts';
import { makeDatabase, ownerPool, peopleOf, type TestDatabase } from '../stack.ts';
import { createTestLedger, fundDirectly, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';

const USERS = [7101, 7102, 7103, 7104];
const [ANNA = 0, BO = 0] = USERS;
/** More than a reader that is up to date may be behind. */
const FAR_BEHIND = 2100;
const forever = new AbortController().signal;

let database: TestDatabase;
let db: pg.Pool;
let reads: Pool;
let wallets: Map<number, string>;
let statements = 0;
let ledger: ReturnType<typeof createTestLedger>;
let ledgerPool: Pool;
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  await peopleOf(database).addUsers(USERS);
  await fundDirectly(database, USERS, 1_000_000);
  reads = createTestPool(database.appUrl);
  ledgerPool = createTestPool(database.appUrl, { maxConnections: 4 });
  ledger = createTestLedger(ledgerPool, { lanes: 3 });
  const { rows } = await db.query("SELECT id, owner_user_id FROM accounts WHERE kind = 'wallet'");
  wallets = new Map(rows.map(({ id, owner_user_id }) => [Number(owner_user_id), id]));
});
after(async () => {
  await ledger[Symbol.asyncDispose]();
  await Promise.all([ledgerPool.end(), reads.end(), db.end()]);
  await database.drop();
});

/** The database, and how often it was asked. */
const counted = () =>
  new Proxy(reads, {
    get: (pool, name) => {
      if (name === 'query') statements += 1;
      const value: unknown = Reflect.get(pool, name);
      return typeof value === 'function' ? value.bind(pool) : value;
    },
  });
const wallet = (user: number) => wallets.get(user) ?? '';
const pay = (from: number, to: number) => {
  const userId = BigInt(from);
  const intent = {
    userId,
    from: { walletId: wallet(from), field: 'debit_wallet_id' },
    to: walletOf(to),
    money: krw(1),
    memo: '',
  };
  return ledger.execute(
    createTransfer,
    intent,
    { userId, key: crypto.randomUUID(), fingerprint: '00' },
    systemCall('pay'),
  );
};

/** The ids of a wallet's transfers, in the order of its history. */
async function historyOf(user: number): Promise<string[]> {
  const text = `SELECT id FROM transfers WHERE $1 IN (debit_account_id, credit_account_id) ORDER BY created_at, id`;
  return (await db.query(text, [wallet(user)])).rows.map(({ id }) => id);
}

test('a reader behind a cursor sees every transfer of its wallet once, however batches meet', async () => {
  const watches = createWatchRepository({ primary: reads, archive: undefined });
  let isPaying = true;
  const follow = async (user: number) => {
    const seen: string[] = [];
    let place: TransferPlace = { createdAt: 0, id: '00000000-0000-0000-0000-000000000000' };
    for (let isLast = false; !isLast; ) {
      isLast = !isPaying;
      for (let hasMore = true; hasMore; ) {
        const change = await watches.since(wallet(user), place);
        assert.ok(change?.isPlaceThere);
        for (const { transfer } of change.transfers) {
          seen.push(transfer.id);
          place = transfer;
        }
        hasMore = change.hasMore;
        const last = change.transfers.at(-1)?.transfer;
        if (last && !hasMore) {
          const { debitAccountId, debitBalanceAfter, creditBalanceAfter } = last;
          const after = debitAccountId === wallet(user) ? debitBalanceAfter : creditBalanceAfter;
          assert.equal(change.wallet.balance, after, 'the wallet is that right after its transfers');
        }
      }
    }
    return seen;
  };
  const following = USERS.map(follow);
  for (let round = 0; round < 60; round++) {
    const calls = Array.from({ length: 1 + (round % 17) }, (_, index) =>
      pay(USERS[(round + index) % 4] ?? 0, USERS[(round * 3 + index + 1 + (index % 2)) % 4] ?? 0).catch(
        ({ reason }) => assert.equal(reason, 'SELF_TRANSFER'),
      ),
    );
    await Promise.all(calls);
  }
  isPaying = false;
  const seen = await Promise.all(following);
  for (const [index, user] of USERS.entries()) assert.deepEqual(seen[index], await historyOf(user));
  const { rows } = await db.query(
    'SELECT FROM transfers GROUP BY debit_account_id, created_at HAVING count(*) > 1 LIMIT 1',
  );
  assert.equal(rows.length, 1, 'transfers of one account had the same moment');
});

test('one cursor over all wallets would miss what is committed late, one of a wallet does not', async () => {
  const watches = createWatchRepository({ primary: reads, archive: undefined });
  const before = (await watches.present(wallet(ANNA)))?.place;
  assert.ok(before);
  const late = await ledgerPool.connect();
  try {
    // A batch that has taken its moment, and hangs before its commit.
    await late.query('BEGIN');
    await late.query(
      `WITH anna AS (SELECT * FROM accounts WHERE id = $1 FOR UPDATE), bo AS (SELECT * FROM accounts WHERE id = $2 FOR UPDATE)
       SELECT post_dated_transfers(ARRAY[$3::uuid], ARRAY['transfer']::transfer_kind[], ARRAY['KRW'], ARRAY[1::bigint],
         ARRAY[anna.id], ARRAY[bo.id], ARRAY[anna.balance - 1], ARRAY[bo.balance + 1], ARRAY[NULL]::uuid[], ARRAY[''],
         ARRAY[NULL]::text[], ARRAY[clock_timestamp()]) FROM anna, bo`,
      [wallet(ANNA), wallet(BO), crypto.randomUUID()],
    );
    await pay(USERS[2] ?? 0, USERS[3] ?? 0);
    const { rows } = await db.query(
      'SELECT created_at::text, id FROM transfers ORDER BY created_at DESC, id DESC LIMIT 1',
    );
    const cursorOverAll = rows[0];
    assert.deepEqual((await watches.since(wallet(ANNA), before))?.transfers, []);
    await late.query('COMMIT');
    const all = await db.query('SELECT FROM transfers WHERE (created_at, id) > ($1, $2)', [
      cursorOverAll.created_at,
      cursorOverAll.id,
    ]);
    assert.equal(all.rowCount, 0, 'the late one is behind the cursor');
    assert.equal((await watches.since(wallet(ANNA), before))?.transfers.length, 1);
  } finally {
    late.release();
  }
});

test('a thousand who watch cost one statement for each poll, another one where something happened, and none when all have left', async () => {
  const watches = createWatchRepository({ primary: counted(), archive: undefined });
  const leaving = new AbortController();
  const known = await Promise.all(
    USERS.map(async (user) => {
      const present = await watches.present(wallet(user));
      assert.ok(present);
      return { walletId: wallet(user), place: present.place, version: present.wallet.version };
    }),
  );
  statements = 0;
  const waiting = Array.from({ length: 1000 }, (_, index) => {
    const one = known[index % USERS.length];
    assert.ok(one);
    return watches.next(one, 60_000, leaving.signal).catch(({ message }: Error) => message);
  });
  await until('three polls', () => statements >= 3);
  await pay(ANNA, BO);
  const concerned = await Promise.all(waiting.filter((_, index) => index % USERS.length < 2));
  for (const news of concerned) assert.ok(typeof news === 'object' && news.transfers.length === 1);
  leaving.abort(new Error('gone'));
  assert.equal((await Promise.all(waiting)).filter((news) => news === 'gone').length, 500);
  const most = statements;
  assert.equal(await watches.next(known[2] as never, 0, forever), QUIET);
  assert.equal(statements, most + 1, 'nobody polled, and the next who waits is polled again');
});

test('where a poll fails all who wait hear of it, and the next one polls again', async () => {
  let isAway = true;
  const failing = new Proxy(reads, {
    get: (pool, name) => {
      if (name === 'query' && isAway) return () => Promise.reject(new Error('away'));
      const value: unknown = Reflect.get(pool, name);
      return typeof value === 'function' ? value.bind(pool) : value;
    },
  });
  const watches = createWatchRepository({ primary: failing, archive: undefined });
  const known = { walletId: wallet(ANNA), place: { createdAt: 1, id: crypto.randomUUID() }, version: -1 };
  await Promise.all([1, 2].map(() => assert.rejects(watches.next(known, 60_000, forever), /away/)));
  isAway = false;
  const news = await watches.next(known, 60_000, forever);
  assert.ok(typeof news === 'object' && !news.isPlaceThere);
});

test('a reader that falls far behind is told of a gap and of the present, and its old cursor has everything', async () => {
  const sources = {
    primary: reads,
    archive: undefined,
    readFromReplica: (read: (db: Pool) => unknown) => read(reads),
  };
  const core = {
    watches: createWatchRepository(sources),
    transfers: createTransferRepository(sources as never),
    wallets: { find: async () => (await sources.primary.query('SELECT 1')) && { ownerUserId: BigInt(ANNA) } },
  } as unknown as Core;
  const read = async (stream: AsyncGenerator<WalletEvent>) => (await stream.next()).value as WalletEvent;
  const stream = watchWallet(core, BigInt(ANNA), wallet(ANNA), undefined, forever);
  const start = await read(stream);
  assert.ok('snapshot' in start);
  await pay(ANNA, BO);
  const before = await read(stream);
  assert.ok('transaction' in before);
  await Promise.all(Array.from({ length: FAR_BEHIND }, () => pay(ANNA, BO)));
  const gap = await read(stream);
  assert.ok('gapAfter' in gap);
  assert.deepEqual(gap.gapAfter, before.place);
  const present = await read(stream);
  assert.ok('snapshot' in present);
  assert.equal(present.snapshot.balance, start.snapshot.balance - BigInt(FAR_BEHIND) - 1n);
  await pay(ANNA, BO);
  assert.ok('transaction' in (await read(stream)));
  await stream.return(undefined);

  const rest = watchWallet(
    core,
    BigInt(ANNA),
    wallet(ANNA),
    { place: gap.gapAfter, field: 'after_cursor' },
    forever,
  );
  for (let count = 0; count <= FAR_BEHIND; count++)
    assert.ok('transaction' in (await read(rest)), `${count}`);
  assert.ok('snapshot' in (await read(rest)));
  await rest.return(undefined);
});
