// Freezes against transfers of the same wallet over two servers: once a freeze was answered, no later commit takes money.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { setFreeze } from '../../src/db/freezes.ts';
import { RESTRICTION } from '../../src/db/rows.ts';
import type { Account } from '../../src/domain/account.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { END_OF_TIME } from '../../src/domain/time.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { createWallet } from '../../src/usecases/commands/create-wallet.ts';
import { watched } from '../db/watched-pool.ts';
import { assertBooksBalance, makeDatabase, ownerPool, peopleOf, type TestDatabase } from '../stack.ts';
import { createTestLedger, fundDirectly, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';
import { untilLocked } from '../until.ts';

/** More can be asked for by hand; each takes some 50 ms. */
const ROUNDS = Number(process.env.RACE_ROUNDS ?? 20);
const CALLS = 100;
const PAYEE = 6690;
const payers = Array.from({ length: ROUNDS }, (_, round) => 6700 + round);
const call = systemCall('test');
const ORDER = { direction: 'out', caseId: 'C-1', reason: 'a test', until: END_OF_TIME } as const;

let database: TestDatabase;
let db: pg.Pool;
let admin: ReturnType<typeof createTestPool>;
let pools: ReturnType<typeof createTestPool>[];
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  admin = createTestPool(database.adminUrl);
  pools = [createTestPool(database.appUrl), createTestPool(database.appUrl)];
  await peopleOf(database).addUsers([PAYEE, ...payers]);
  await fundDirectly(database, payers, 1_000_000);
});
after(async () => {
  await assertBooksBalance(db);
  await Promise.all([db, admin, ...pools].map((pool) => pool.end()));
  await database.drop();
});

/** The state of the wallet as its freeze was committed, and how it was after all calls; and why others were refused. */
interface Outcome {
  readonly atFreeze: Account | undefined;
  readonly balance: bigint;
  readonly reasons: ReadonlySet<string>;
}

/** Pays a hundred times through both servers while a freeze is set, and once through each after it was answered. */
async function race(payer: number, change: (text: string) => string = (text) => text): Promise<Outcome> {
  const userId = BigInt(payer);
  const ledgers = pools.map((pool) =>
    createTestLedger(
      watched(pool, () => {}, change),
      { maxBatch: 7 },
    ),
  );
  const pay = (server: number) => {
    const key = { userId, key: crypto.randomUUID(), fingerprint: 'f0' };
    const intent = { userId, from: walletOf(payer), to: walletOf(PAYEE), money: krw(1), memo: '' };
    return ledgers[server % 2]?.execute(createTransfer, intent, key, call);
  };
  const calls = Array.from({ length: CALLS }, (_, index) => pay(index));
  // At once: refusals may be heard before the freeze is.
  const settled = Promise.allSettled(calls);
  // It comes among the calls: some of them are decided before it.
  await calls[CALLS / 10];
  const [atFreeze] = await setFreeze(admin, async () => async () => {}, { userId }, ORDER, 'ppk_test');
  const results = [...(await Promise.allSettled([pay(0), pay(1)])), ...(await settled)];
  const reasons = results.flatMap((result) => {
    if (result.status === 'fulfilled') return [];
    assert.ok(result.reason instanceof Refusal, String(result.reason));
    return [result.reason.reason];
  });
  const { rows } = await db.query('SELECT balance FROM accounts WHERE owner_user_id = $1', [payer]);
  await Promise.all(ledgers.map((ledger) => ledger[Symbol.asyncDispose]()));
  return { atFreeze, balance: BigInt(rows[0].balance), reasons: new Set(reasons) };
}

test(`after a freeze was answered no later commit takes money, ${ROUNDS} times`, async () => {
  for (const payer of payers) {
    const { atFreeze, balance, reasons } = await race(payer);
    assert.equal(balance, atFreeze?.balance, 'the ledger took nothing after the freeze');
    assert.deepEqual([...reasons], ['WALLET_FROZEN']);
  }
});

/** A ledger whose commits wait until they are let go; `reached` resolves once the first one waits, with its locks held. */
function heldBack(pool: ReturnType<typeof createTestPool>) {
  const [reached, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const beforeCommit = async () => {
    reached.resolve();
    await letGo.promise;
    return () => undefined;
  };
  return {
    ledger: createTestLedger(pool, {}, { beforeCommit }),
    reached: reached.promise,
    letGo: letGo.resolve,
  };
}

/** Freezes a user while another wallet of it is being opened, and is not committed yet; returns what of its wallets is frozen. */
async function freezeWhileOpening(user: number): Promise<boolean[]> {
  await peopleOf(database).addUsers([user]);
  const userId = BigInt(user);
  const { ledger, reached, letGo } = heldBack(pools[0] as ReturnType<typeof createTestPool>);
  const key = { userId, key: crypto.randomUUID(), fingerprint: 'f0' };
  const opening = ledger.execute(createWallet, { userId, currency: 'KRW', displayName: 'Second' }, key, call);
  await reached;
  const freezing = setFreeze(admin, async () => async () => {}, { userId }, ORDER, 'ppk_test');
  await untilLocked(db, 1, 'freeze_wallets');
  letGo();
  await Promise.all([opening, freezing]);
  await ledger[Symbol.asyncDispose]();
  const text =
    'SELECT user_frozen_out_until IS NOT NULL AS is_frozen FROM accounts WHERE owner_user_id = $1 ORDER BY created_at';
  const { rows } = await db.query<{ is_frozen: boolean }>(text, [user]);
  return rows.map(({ is_frozen }) => is_frozen);
}

test('a wallet that is being opened while its user is frozen is frozen as well', async () => {
  assert.deepEqual(await freezeWhileOpening(6692), [true, true]);
});

test('negative control: a freeze that finds the wallets once leaves that one open', async () => {
  const { rows } = await db.query<{ sql: string }>(
    `SELECT pg_get_functiondef('lock_wallets'::regproc) AS sql`,
  );
  const once = (rows[0]?.sql ?? '').replace('locked := locked || more;', 'RETURN more;');
  assert.match(once, /RETURN more/);
  await db.query(once);
  try {
    assert.deepEqual(await freezeWhileOpening(6693), [true, false]);
  } finally {
    await db.query(rows[0]?.sql ?? '');
  }
});

/** Posting looks at freezes once more (migration 0170); here it does not. */
const UNCHECKED = `CREATE OR REPLACE FUNCTION refuse_restricted(kinds transfer_kind[], debits uuid[], credits uuid[]) RETURNS void
  LANGUAGE sql AS ''`;

/** The same, but servers go by what they read before the lock: that nothing restricts the wallet. */
const blind = (text: string) => text.replaceAll(RESTRICTION, 'NULL');

test('negative control: servers that check before they have the lock take more', async () => {
  const payer = 6691;
  await db.query(UNCHECKED);
  await peopleOf(database).addUsers([payer]);
  await fundDirectly(database, [payer], 1_000_000);
  const { atFreeze, balance } = await race(payer, blind);
  assert.ok(atFreeze && balance < atFreeze.balance, 'nothing was taken after the freeze');
});
