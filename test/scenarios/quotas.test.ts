// How much of what anybody can make a user may have: refused by name, exact however many ask at the same moment.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { purgePayoutDrafts } from '../../src/db/jobs/upkeep.ts';
import { createServerProgram, type ServerProgram } from '../../src/server/compose.ts';
import { type Answer, type ApiClient, grpcClient, type Json } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';

const [ANNA, FIRST, COUNT] = [9801, 9810, 12];
const OTHERS = Array.from({ length: COUNT }, (_, index) => FIRST + index);
const MOST = 5;
let stack: Stack;
/** Another process on the same database. */
let second: ServerProgram;
let another: ApiClient;
before(async () => {
  stack = await startStack({
    env: {
      MAX_WALLETS_PER_USER: String(MOST),
      MAX_PAYOUT_DRAFTS_PER_USER: String(MOST),
      MAX_ROOMS_PER_USER: String(MOST),
      MAX_MEMBERS_PER_ROOM: String(MOST),
      MAX_FRIENDS_PER_USER: String(MOST),
    },
  });
  await stack.addUsers([ANNA, ...OTHERS]);
  second = await createServerProgram({ ...stack.config, grpcPort: 0, opsPort: 0 });
  another = grpcClient(`127.0.0.1:${second.grpcPort}`, stack.key);
});
after(async () => {
  another.close();
  await second.stop();
  await stack.stop();
});

let calls = 0;
/** Calls go to both processes by turns. */
const call = (rpc: string, request: Json, user = ANNA) =>
  (calls++ % 2 === 0 ? stack.grpc : another).call(rpc, request, {
    userId: String(user),
    idempotencyKey: crypto.randomUUID(),
  });

/** Asks for all at the same moment, and sees that exactly so many were made, and the others refused by name. */
async function assertMost(made: number, calls: (() => Promise<Answer>)[]): Promise<void> {
  const answers = await Promise.all(calls.map((call) => call()));
  const refused = answers.filter(({ status }) => status !== 0);
  assert.deepEqual(
    [...new Set(refused.map(({ code, reason }) => `${code} ${reason}`))],
    ['ERR006 QUOTA_EXCEEDED'],
  );
  assert.equal(answers.length - refused.length, made);
}

test('rooms that a user owns', async () => {
  const create = (id: number) => () =>
    call('wallet.v2.RoomService/CreateRoom', { room_id: `quota-${id}`, display_name: 'Room' });
  await assertMost(
    MOST,
    OTHERS.map((id) => create(id)),
  );
  assert.equal(
    (await call('wallet.v2.RoomService/CreateRoom', { room_id: 'of-another', display_name: 'R' }, FIRST))
      .status,
    0,
  );
});

test('members of a room, the owner among them', async () => {
  const add = (id: number) => () =>
    call('wallet.v2.RoomService/AddMember', { room_id: 'of-another', user_id: id }, FIRST);
  await assertMost(
    MOST - 1,
    OTHERS.slice(1).map((id) => add(id)),
  );
});

test('friends and requests that a user sent', async () => {
  const add = (id: number) => () =>
    call('wallet.v2.UserService/AddFriend', { user_id: ANNA, friend_user_id: id });
  await assertMost(
    MOST,
    OTHERS.map((id) => add(id)),
  );
  const { rows } = await stack.db.query('SELECT to_user_id FROM friend_requests WHERE from_user_id = $1', [
    ANNA,
  ]);
  const [asked] = rows;
  const accepted = await call(
    'wallet.v2.UserService/AddFriend',
    { user_id: asked.to_user_id, friend_user_id: ANNA },
    Number(asked.to_user_id),
  );
  assert.equal(accepted.body.state, 'FRIENDSHIP_STATE_FRIENDS');
});

test('wallets, the default one among them', async () => {
  await assertMost(
    MOST - 1,
    OTHERS.map(
      (id) => () =>
        call('wallet.v2.WalletService/CreateWallet', { currency_code: 'KRW', display_name: `w${id}` }),
    ),
  );
});

test('drafts of payouts, whatever wallet they pay from; a cancelled one is none', async () => {
  const wallets = (await call('wallet.v2.WalletService/ListWallets', {})).list('wallets');
  assert.equal(wallets.length, MOST);
  const create = (index: number) => () =>
    call('wallet.v2.PayoutService/CreatePayout', {
      // Each process pays from a wallet of its own, so that the wallet's lock is not what makes them take turns.
      wallet_id: String(wallets[index % 2]?.wallet_id),
      mode: 'PAYOUT_MODE_EACH',
    });
  // Writing takes long: a process that counts without the lock counts before another one has committed.
  await stack.db.query(`
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END $$;
    CREATE TRIGGER dawdle BEFORE INSERT ON payouts FOR EACH STATEMENT EXECUTE FUNCTION dawdle()`);
  await assertMost(
    MOST,
    OTHERS.map((_id, index) => create(index)),
  );
  await stack.db.query('DROP FUNCTION dawdle() CASCADE');
  const { rows } = await stack.db.query('SELECT id FROM payouts WHERE owner_user_id = $1 LIMIT 1', [ANNA]);
  const cancelled = await call('wallet.v2.PayoutService/CancelPayout', { payout_id: rows[0].id });
  assert.equal(cancelled.status, 0, cancelled.reason);
  assert.equal((await create(0)()).status, 0);
  assert.equal((await create(0)()).reason, 'QUOTA_EXCEEDED');
});

test('users who have more than a quota keep it', async () => {
  await stack.db.query(
    `INSERT INTO accounts (id, kind, currency, owner_user_id, created_at)
     SELECT gen_random_uuid(), 'wallet', 'KRW', $1, now() FROM generate_series(1, 10)`,
    [FIRST],
  );
  const request = { currency_code: 'KRW', display_name: 'one more' };
  assert.equal((await call('wallet.v2.WalletService/CreateWallet', request, FIRST)).reason, 'QUOTA_EXCEEDED');
  assert.equal((await call('wallet.v2.WalletService/ListWallets', {}, FIRST)).list('wallets').length, 11);
});

test('drafts that are never started go after their time, with their lines; started and young ones stay', async () => {
  const pool = createTestPool(stack.database.workerUrl, { maxConnections: 1 });
  const day = 24 * 3_600_000;
  const drafts = async () => (await stack.db.query(`SELECT id, state FROM payouts ORDER BY id`)).rows;
  const [old] = (await drafts()).filter(({ state }) => state === 'draft');
  await call('wallet.v2.PayoutService/AddPayoutLines', {
    payout_id: old.id,
    first_line: 1,
    lines: [{ user_id: FIRST, amount: { currency_code: 'KRW', minor_units: 5 } }],
  });
  assert.equal((await stack.db.query('SELECT FROM payout_lines')).rowCount, 1);
  await stack.db.query(`UPDATE payouts SET created_at = now() - interval '31 days' WHERE id = $1`, [old.id]);
  const before = (await drafts()).length;
  assert.equal(await purgePayoutDrafts(pool, 30 * day, 10), 1);
  assert.equal(await purgePayoutDrafts(pool, 30 * day, 10), 0);
  assert.equal((await drafts()).length, before - 1);
  assert.equal((await stack.db.query('SELECT FROM payout_lines')).rowCount, 0);
  await assert.rejects(purgePayoutDrafts(pool, day / 2, 10), /a day at least/);
  await pool.end();
  const gone = await call('wallet.v2.PayoutService/StartPayout', { payout_id: old.id, line_count: 1 });
  assert.equal(gone.reason, 'PAYOUT_NOT_FOUND');
});
