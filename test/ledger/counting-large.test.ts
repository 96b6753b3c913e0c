// A wallet with more transfers in the month than a batch counts under its lock: it is counted in steps without the lock, calls that
// need it wait, others go on, and its limits are exact.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { deletePolicy, putPolicy } from '../../src/db/limits/index.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { Calendar } from '../../src/domain/calendar.ts';
import type { LimitKind } from '../../src/domain/limit-policy.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { MICROS_PER_MS } from '../../src/domain/time.ts';
import { createCheck, type Ledger } from '../../src/ledger/index.ts';
import { countWallet } from '../../src/ledger/uncounted-wallets.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { type Core, createTransfer, getLimits } from '../../src/usecases/index.ts';
import { uniqueUsers } from '../api.ts';
import { openLastMonth } from '../db/last-month.ts';
import { watched } from '../db/watched-pool.ts';
import { noonZone } from '../noon.ts';
import { assertBooksBalance, makeDatabase, ownerPool, peopleOf, type TestDatabase } from '../stack.ts';
import { createTestLedger, fundDirectly, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';
import { until, untilLocked } from '../until.ts';

/** More than two steps of counting, most of them today. */
const [BEFORE_TODAY, TODAY] = [5_000, 25_000];
const FUNDS = 100_000;
/** The advisory lock that counting waits for in a test. */
const GATE = 194;
const ZONE = noonZone();
const call = systemCall('test');

let database: TestDatabase;
let db: pg.Pool;
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  await openLastMonth(db);
});
after(async () => {
  await db.end();
  await database.drop();
});

/** Posts transfers of 1 from one user to the other, so that they end a moment ago. */
const POST = `
  WITH ends AS (SELECT
      (SELECT id FROM accounts WHERE owner_user_id = $1 AND is_default) AS debit,
      (SELECT id FROM accounts WHERE owner_user_id = $2 AND is_default) AS credit,
      (SELECT balance FROM accounts WHERE owner_user_id = $1 AND is_default) AS debit_balance,
      (SELECT balance FROM accounts WHERE owner_user_id = $2 AND is_default) AS credit_balance),
  posted AS (
    INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id, debit_balance_after,
      credit_balance_after, memo)
    SELECT gen_random_uuid(), $4::timestamptz - ($3::integer - n) * interval '1 microsecond', 'transfer', 'KRW', 1, debit, credit,
      debit_balance - n, credit_balance + n, '' FROM ends, generate_series(1, $3::integer) AS n)
  UPDATE accounts a SET balance = a.balance + CASE WHEN a.id = debit THEN -$3::integer ELSE $3::integer END,
    version = a.version + $3::integer, updated_at = $4
  FROM ends WHERE a.id IN (debit, credit)`;

/** A payer who has sent all of these, and whom nobody has counted. */
async function largePayer(): Promise<{ payer: number; payee: number; others: [number, number] }> {
  const [payer, payee, ...others] = uniqueUsers(4) as [number, number, number, number];
  await peopleOf(database).addUsers([payer, payee, ...others]);
  const { rows } = await db.query(
    `SELECT open_transfer_months(1), date_trunc('day', now(), $1) - interval '1 hour' AS earlier`,
    [ZONE],
  );
  await db.query(
    `INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
      debit_balance_after, credit_balance_after, memo)
    SELECT gen_random_uuid(), $2::timestamptz - interval '1 second', 'deposit', 'KRW', $3::integer, e.id, a.id,
      e.balance - $3::integer, $3::integer, ''
    FROM accounts a, accounts e WHERE a.owner_user_id = $1 AND a.is_default AND e.kind = 'external' AND e.currency = 'KRW'
      AND e.stripe = 0`,
    [payer, rows[0].earlier, FUNDS],
  );
  await db.query(
    `UPDATE accounts a SET version = a.version + 1,
      balance = a.balance + CASE a.kind WHEN 'wallet' THEN $2::integer ELSE -$2::integer END
    WHERE (a.owner_user_id = $1 AND a.is_default) OR (a.kind = 'external' AND a.currency = 'KRW' AND a.stripe = 0)`,
    [payer, FUNDS],
  );
  await db.query(POST, [payer, payee, BEFORE_TODAY, rows[0].earlier]);
  await db.query(POST, [payer, payee, TODAY, new Date()]);
  await fundDirectly(database, [others[0]], 1000);
  return { payer, payee, others };
}

/** Pays, again where the wallets were not counted in time: on a machine where that takes longer than calls wait. */
async function pay(ledger: Ledger, from: number, to: number, amount: number): Promise<unknown> {
  const userId = BigInt(from);
  const intent = { userId, from: walletOf(from), to: walletOf(to), money: krw(amount), memo: '' };
  const key = { userId, key: crypto.randomUUID(), fingerprint: '00' };
  for (;;) {
    try {
      return await ledger.execute(createTransfer, intent, key, call);
    } catch (error) {
      if (!(error instanceof Refusal && error.reason === 'UNAVAILABLE')) throw error;
    }
  }
}

/** Puts a function before count_ahead(), which it may call as count_on(); returns how to take it away. */
async function withBeforeCounting(body: string): Promise<() => Promise<unknown>> {
  const types = 'uuid, timestamptz, timestamptz, bigint';
  await db.query(`
    ALTER FUNCTION count_ahead(${types}) RENAME TO count_on;
    CREATE FUNCTION count_ahead(wallet uuid, day_start timestamptz, month_start timestamptz, most bigint) RETURNS boolean
    LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN count_on(wallet, day_start, month_start, most); END $$;
    GRANT EXECUTE ON FUNCTION count_ahead(${types}) TO ppuri_app`);
  return () =>
    db.query(`DROP FUNCTION count_ahead(${types}); ALTER FUNCTION count_on(${types}) RENAME TO count_ahead`);
}

const limit = (kind: LimitKind, most: bigint) =>
  putPolicy(db, { tier: 'unverified', currency: 'KRW', limits: { [kind]: most } }, ZONE);

/** What a user has sent in the month and on the day, by its transfers. */
async function sentBy(user: number): Promise<{ month: bigint; day: bigint }> {
  const { rows } = await db.query(
    `SELECT coalesce(sum(t.amount) FILTER (WHERE t.created_at >= date_trunc('month', now(), $2)), 0) AS month,
       coalesce(sum(t.amount) FILTER (WHERE t.created_at >= date_trunc('day', now(), $2)), 0) AS day
     FROM transfers t JOIN accounts a ON a.id = t.debit_account_id WHERE a.owner_user_id = $1`,
    [user, ZONE],
  );
  return { month: BigInt(rows[0].month), day: BigInt(rows[0].day) };
}

test('two servers count a large wallet at once, others go on meanwhile, and its limit is exact', async () => {
  const { payer, payee, others } = await largePayer();
  const sent = await sentBy(payer);
  assert.ok(sent.day >= TODAY);
  await limit('month_out', sent.month + 100n);
  const restore = await withBeforeCounting(`PERFORM pg_advisory_xact_lock_shared(${GATE});`);
  const gate = await db.connect();
  await gate.query(`SELECT pg_advisory_lock(${GATE})`);
  const seen: string[] = [];
  const pools = [1, 2].map(() => createTestPool(database.appUrl, { maxConnections: 5 }));
  const ledgers = pools.map((pool) =>
    createTestLedger(
      watched(pool, (text) => seen.push(text)),
      { lanes: 2 },
    ),
  );
  let answered = 0;
  const answers = Promise.allSettled(
    ledgers.flatMap((ledger) =>
      Array.from({ length: 20 }, () =>
        pay(ledger, payer, payee, 5).finally(() => {
          answered += 1;
        }),
      ),
    ),
  );
  await untilLocked(db, 2, 'count_ahead');
  // None of them holds a lock that these need.
  await Promise.all(ledgers.map((ledger) => pay(ledger, ...others, 1)));
  assert.equal(answered, 0);
  await gate.query(`SELECT pg_advisory_unlock(${GATE})`);
  gate.release();
  const refusals = (await answers).flatMap((one) =>
    one.status === 'rejected' ? [(one.reason as Refusal).reason] : [],
  );
  assert.equal(refusals.length, 20, `${refusals}`);
  assert.deepEqual([...new Set(refusals)], ['LIMIT_EXCEEDED']);
  assert.equal((await sentBy(payer)).month, sent.month + 100n);
  await restore();
  // Another limit needs no second count.
  const counted = seen.length;
  await limit('day_out', sent.day + 100n);
  await assert.rejects(pay(ledgers[0] as Ledger, payer, payee, 1), { reason: 'LIMIT_EXCEEDED' });
  assert.deepEqual(
    seen.slice(counted).filter((text) => text.includes('count_')),
    [],
  );
  assert.deepEqual((await db.query('SELECT faults FROM reconcile_limits()')).rows[0].faults, []);
  await assertBooksBalance(db);
  for (const ledger of ledgers) await ledger[Symbol.asyncDispose]();
  for (const pool of pools) await pool.end();
  await deletePolicy(db, 'unverified', 'KRW', ZONE);
});

test('what was counted in steps stays right while transfers go on that nobody counts', async () => {
  const { payer, payee } = await largePayer();
  const [{ id }] = (await db.query('SELECT id FROM accounts WHERE owner_user_id = $1', [payer])).rows;
  const calendar = new Calendar(ZONE);
  const now = Date.now() * MICROS_PER_MS;
  const wallet = { id, day: calendar.day(now).start, month: calendar.month(now).start };
  const pool = createTestPool(database.appUrl, { maxConnections: 4 });
  const ledger = createTestLedger(pool);
  const usage = async () =>
    (await db.query('SELECT usage, usage_transfers AS transfers FROM accounts WHERE id = $1', [id])).rows[0];
  const step = (most: number) =>
    pool.query(
      'SELECT count_ahead($1, to_timestamp($2::bigint / 1000000), to_timestamp($3::bigint / 1000000), $4) AS is_done',
      [id, wallet.day, wallet.month, most],
    );
  assert.equal((await step(7_000)).rows[0].is_done, false);
  const first = await usage();
  assert.equal(first.transfers, null);
  assert.equal(first.usage.split(':').length, 9);
  await pay(ledger, payer, payee, 3);
  assert.deepEqual(await usage(), first, 'a batch without policies leaves it');
  // Somebody holds the wallet for a while: the step is tried again.
  const holder = await db.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE', [id]);
  const counting = countWallet(pool, wallet, AbortSignal.timeout(60_000));
  await untilLocked(db, 1, 'count_ahead');
  await holder.query('ROLLBACK');
  holder.release();
  await counting;
  await pay(ledger, payer, payee, 4);
  const sent = await sentBy(payer);
  await limit('day_out', sent.day + 10n);
  const check = createCheck(pool, cryptoRandom);
  const { standings } = await getLimits({ check } as Core, BigInt(payer), 'KRW');
  assert.deepEqual(
    standings.map(({ used, left }) => [used, left]),
    [[sent.day, 10n]],
  );
  await assert.rejects(pay(ledger, payer, payee, 11), { reason: 'LIMIT_EXCEEDED' });
  await pay(ledger, payer, payee, 10);
  assert.equal((await usage()).usage.split(':').length, 8);
  assert.deepEqual((await db.query('SELECT faults FROM reconcile_limits()')).rows[0].faults, []);
  await ledger[Symbol.asyncDispose]();
  await pool.end();
  await deletePolicy(db, 'unverified', 'KRW', ZONE);
});

test('steps that take longer than statements may are made shorter, and a check counts a large wallet too', async () => {
  const { payer, payee } = await largePayer();
  // As on a machine on which a statement has time for 3,000 transfers.
  const restore = await withBeforeCounting(`
    IF most > 3000 THEN RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = 'query_canceled'; END IF;`);
  const sent = await sentBy(payer);
  await limit('month_out', sent.month + 10n);
  const seen: string[] = [];
  const pool = createTestPool(database.appUrl, { maxConnections: 4 });
  const check = createCheck(
    watched(pool, (text) => seen.push(text)),
    cryptoRandom,
  );
  const ofPayer = await until('a check has counted it', () =>
    getLimits({ check } as Core, BigInt(payer), 'KRW').catch((error: unknown) => {
      if (error instanceof Refusal && error.reason === 'UNAVAILABLE') return undefined;
      throw error;
    }),
  );
  assert.deepEqual(
    ofPayer.standings.map(({ used, left }) => [used, left]),
    [[sent.month, 10n]],
  );
  assert.ok(seen.filter((text) => text.includes('count_ahead')).length > TODAY / 3000);
  const ledger = createTestLedger(pool);
  await pay(ledger, payer, payee, 10);
  await assert.rejects(pay(ledger, payer, payee, 1), { reason: 'LIMIT_EXCEEDED' });
  await restore();
  await ledger[Symbol.asyncDispose]();
  await pool.end();
});

test('counting that fails is told with its wallet, and calls go on once it does not', async () => {
  const { payer, payee } = await largePayer();
  const restore = await withBeforeCounting(`RAISE EXCEPTION 'it does not count';`);
  const sent = await sentBy(payer);
  await limit('month_out', sent.month + 10n);
  const failures: string[] = [];
  const pool = createTestPool(database.appUrl, { maxConnections: 4 });
  const observer = {
    ...{
      waited: () => {},
      batched: () => {},
      committed: () => {},
      conflicted: () => {},
      unreachable: () => {},
    },
    countingFailed: (walletId: string, error: unknown) => void failures.push(`${walletId}: ${error}`),
  };
  const ledger = createTestLedger(pool, {}, { observer });
  const [{ id }] = (await db.query('SELECT id FROM accounts WHERE owner_user_id = $1', [payer])).rows;
  const paid = pay(ledger, payer, payee, 10);
  await until('it is told', () => failures.includes(`${id}: error: it does not count`));
  await restore();
  await paid;
  await ledger[Symbol.asyncDispose]();
  await pool.end();
});

test('transfers of one moment are counted together, however many they are', async () => {
  const [payer, payee] = uniqueUsers(2) as [number, number];
  await peopleOf(database).addUsers([payer, payee]);
  await fundDirectly(database, [payer], 1000);
  // As one batch posts them.
  const post = POST.replace("($3::integer - n) * interval '1 microsecond'", "interval '0'");
  await db.query(post, [payer, payee, 600, new Date()]);
  const [{ id }] = (await db.query('SELECT id FROM accounts WHERE owner_user_id = $1', [payer])).rows;
  const calendar = new Calendar(ZONE);
  const now = Date.now() * MICROS_PER_MS;
  const [day, month] = [calendar.day(now).start, calendar.month(now).start];
  const of = (name: string, most: number) =>
    db
      .query(
        `SELECT ${name}($1, to_timestamp($2::bigint / 1000000), to_timestamp($3::bigint / 1000000), $4) AS found`,
        [id, day, month, most],
      )
      .then(({ rows }) => rows[0].found);
  assert.equal(await of('count_usage', 500), null);
  assert.equal(await of('count_ahead', 20_000), true);
  assert.equal((await of('count_usage', 500)).split(':')[4], '600');
  // A later transfer makes that moment one to count ahead.
  const pool = createTestPool(database.appUrl);
  const ledger = createTestLedger(pool);
  await deletePolicy(db, 'unverified', 'KRW', ZONE);
  await pay(ledger, payer, payee, 1);
  assert.equal(await of('count_ahead', 100), false);
  assert.equal(await of('count_ahead', 100), true);
  assert.equal((await of('count_usage', 100)).split(':')[4], '601');
  await ledger[Symbol.asyncDispose]();
  await pool.end();
});
