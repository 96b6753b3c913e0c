// The answer under an idempotency key comes first: it is given again whatever it was about has gone since.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { actingAs, withKey } from '../api.ts';
import type { Answer, Json } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';

const [ANNA, BO] = [9501, 9502];
const ROOM = 'room-9500';
let stack: Stack;
let wallet: string;
before(async () => {
  // Without Redis, as if every copy in it had ended long since.
  stack = await startStack({ env: { REDIS_URL: 'redis://127.0.0.1:1' } });
  await stack.addUsers([ANNA, BO]);
  await stack.addRoom(ROOM, [ANNA, BO]);
  await stack.fund([ANNA, BO], 10_000);
  const wallets = await stack.grpc.call('wallet.v2.WalletService/ListWallets', {}, actingAs(ANNA));
  wallet = String(wallets.list('wallets')[0]?.wallet_id);
});
after(() => stack.stop());

const me = (user: number) => withKey(user);
const inRoom = (user: number) => ({ ...me(user), roomId: ROOM });

/** Makes a call, lets what it was about go, and makes it again. */
async function sameAfter(call: () => Promise<Answer>, go: () => Promise<unknown>): Promise<void> {
  const first = await call();
  assert.equal(first.status, 0, first.reason);
  await go();
  const again = await call();
  assert.equal(again.status, 0, again.reason);
  assert.deepEqual(again.body, first.body);
}

const behind = (sql: string, values: unknown[] = []) => stack.db.query(sql, values);

/** As the purge finds them a week later. */
async function purgeSprinkles(): Promise<void> {
  await behind(`UPDATE sprinkles SET created_at = created_at - interval '8 days',
    expires_at = expires_at - interval '8 days', closed_at = coalesce(closed_at, now())`);
  const { rows } = await behind(`SELECT purge_sprinkles(now() - interval '7 days', 1000) AS gone`);
  assert.ok(rows[0].gone > 0);
}

test('of claims, over both versions, after their sprinkle was purged', async () => {
  for (const version of ['v1', 'v2']) {
    const make = { amount: 2, headcount: 2 };
    const made = await stack.grpc.call('wallet.v1.SprinkleService/CreateSprinkle', make, inRoom(ANNA));
    const token = String(made.body.token);
    const identity = version === 'v1' ? inRoom(BO) : me(BO);
    const request: Json = version === 'v1' ? { token } : { token, room_id: ROOM };
    await sameAfter(
      () => stack.grpc.call(`wallet.${version}.SprinkleService/ClaimSprinkle`, request, identity),
      purgeSprinkles,
    );
  }
});

test('of a sprinkle, after its creator left the room', async () => {
  const identity = inRoom(BO);
  const make = () =>
    stack.grpc.call('wallet.v1.SprinkleService/CreateSprinkle', { amount: 10, headcount: 2 }, identity);
  await sameAfter(make, () => behind('DELETE FROM room_members WHERE user_id = $1', [BO]));
});

test('of starting and cancelling a payout, after it has gone', async () => {
  const draft = async () => {
    const request = { wallet_id: wallet, mode: 'PAYOUT_MODE_EACH' };
    const made = await stack.grpc.call('wallet.v2.PayoutService/CreatePayout', request, me(ANNA));
    const payout_id = String(made.at('payout', 'payout_id'));
    const amount = { currency_code: 'KRW', minor_units: '1' };
    const lines = { payout_id, first_line: 1, lines: [{ user_id: String(BO), amount }] };
    await stack.grpc.call('wallet.v2.PayoutService/AddPayoutLines', lines, actingAs(ANNA));
    return payout_id;
  };
  const deletePayouts = () =>
    behind('DELETE FROM payout_lines').then(() =>
      behind(
        `SET session_replication_role = replica; DELETE FROM payouts; SET session_replication_role = DEFAULT`,
      ),
    );
  for (const [rpc, more] of [
    ['StartPayout', { line_count: 1 }],
    ['CancelPayout', {}],
  ] as const) {
    const [payout_id, identity] = [await draft(), me(ANNA)];
    await sameAfter(
      () => stack.grpc.call(`wallet.v2.PayoutService/${rpc}`, { payout_id, ...more }, identity),
      deletePayouts,
    );
  }
});

test('a call that was refused before the ledger leaves a mark as well', async () => {
  const identity = inRoom(BO);
  const claim = await stack.grpc.call('wallet.v1.SprinkleService/ClaimSprinkle', { token: '000' }, identity);
  assert.equal(claim.reason, 'SPRINKLE_NOT_FOUND');
  const cancel = me(ANNA);
  const payout_id = crypto.randomUUID();
  const gone = await stack.grpc.call('wallet.v2.PayoutService/CancelPayout', { payout_id }, cancel);
  assert.equal(gone.reason, 'PAYOUT_NOT_FOUND');
  const { rows } = await behind('SELECT key FROM idempotency_keys WHERE outcome IS NULL AND key = ANY ($1)', [
    [identity.idempotencyKey, cancel.idempotencyKey],
  ]);
  assert.equal(rows.length, 2);
});
