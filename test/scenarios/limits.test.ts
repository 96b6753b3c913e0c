// Limits on money over gRPC and REST: set by operators, shown to users, checked beforehand, and refused with figures for the
// caller's own side only.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { reconcile } from '../../src/db/jobs/index.ts';
import { REASONS, type Reason } from '../../src/domain/reasons.ts';
import { actingAs, expectRefusal, uniqueUsers, withKey, won } from '../api.ts';
import type { Answer, ApiClient, Json } from '../api-client.ts';
import { noonZone } from '../noon.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';

const DEPOSIT = 'wallet.v2.TransferService/Deposit';
const TRANSFER = 'wallet.v2.TransferService/CreateTransfer';
const CHECK = 'wallet.v2.TransferService/CheckTransfer';
const LIMITS = 'wallet.v2.WalletService/GetLimits';
const ZONE = noonZone();

let stack: Stack;
before(async () => {
  stack = await startStack({ edge: !withoutEdge, env: { LIMITS_TIME_ZONE: ZONE } });
});
after(() => stack.stop());

const admin = (rpc: string, request: Json = {}) => stack.grpc.call(rpc, request, {});
const done = async (answer: Promise<Answer>): Promise<Answer> => {
  const { status, reason } = await answer;
  assert.equal(status, 0, reason);
  return answer;
};
const refused = (answer: Answer, reason: Reason) =>
  expectRefusal(answer, REASONS[reason].code, reason, 'any');
const put = (tier: string, limits: Json) =>
  done(admin('admin.v1.LimitService/PutPolicy', { policy: { tier, currency_code: 'KRW', ...limits } }));
const limitsOf = async (user: number, client: ApiClient = stack.grpc): Promise<Record<string, Json>> => {
  const answer = await done(client.call(LIMITS, { currency_code: 'KRW' }, actingAs(user)));
  return Object.fromEntries(answer.list('limits').map((limit) => [String(limit.kind).slice(11), limit]));
};
const left = ({ left: money }: Json) => Number((money as Json).minor_units);

const ways: readonly { over: string; first: number; client: () => ApiClient }[] = [
  { over: 'gRPC', first: 8100, client: () => stack.grpc },
  ...(withoutEdge ? [] : [{ over: 'REST', first: 8200, client: () => stack.rest }]),
];

for (const { over, first, client } of ways) {
  const [anna, bo] = [first + 1, first + 2];

  test(`limits are shown, checked and refused over ${over}`, async () => {
    await stack.addUsers([anna, bo]);
    await stack.fund([anna], 10_000);
    const wallet = await stack.as(anna).defaultWallet();
    const boWallet = await stack.as(bo).defaultWallet();
    const pay = (rpc: string, amount: number) =>
      client().call(
        rpc,
        { debit_wallet_id: wallet, credit_user_id: String(bo), amount: won(amount) },
        rpc === CHECK ? actingAs(anna) : withKey(anna),
      );
    assert.deepEqual(await limitsOf(anna, client()), {});

    await put('unverified', {
      held: '20000',
      call: '3000',
      day_out: '5000',
      month_out: '9000',
      day_count: '3',
    });
    const before = await limitsOf(anna, client());
    assert.deepEqual(Object.keys(before), ['HELD', 'CALL', 'DAY_OUT', 'MONTH_OUT', 'DAY_COUNT']);
    assert.deepEqual(
      [before.HELD?.used, before.HELD?.left, before.DAY_COUNT?.count_left],
      [won(10_000), won(10_000), '3'],
    );
    const resetsAt = new Date(String(before.DAY_OUT?.resets_at));
    assert.equal(resetsAt.toLocaleTimeString('en-GB', { timeZone: ZONE }), '00:00:00');

    refused(await pay(TRANSFER, 3001), 'LIMIT_EXCEEDED');
    const checked = await pay(CHECK, 3001);
    assert.equal(checked.body.would_post, false);
    assert.equal((checked.body.refusal as Json).reason, 'LIMIT_EXCEEDED');
    assert.equal((await pay(CHECK, 3000)).body.would_post, true);
    assert.equal(left((await limitsOf(anna, client())).DAY_OUT as Json), 5000, 'to check moves nothing');
    await done(pay(TRANSFER, 3000));
    const over5000 = await pay(TRANSFER, 2001);
    refused(over5000, 'LIMIT_EXCEEDED');
    assert.deepEqual(
      [over5000.metadata.limit_kind, over5000.metadata.limit_minor_units, over5000.metadata.left_minor_units],
      ['LIMIT_KIND_DAY_OUT', '5000', '2000'],
    );
    await done(pay(TRANSFER, 1));
    await done(pay(TRANSFER, 1));
    assert.equal((await pay(TRANSFER, 1)).metadata.limit_kind, 'LIMIT_KIND_DAY_COUNT');

    const deposit = (user: number, wallet_id: string, amount: number) =>
      client().call(DEPOSIT, { wallet_id, amount: won(amount) }, withKey(user));
    await done(deposit(bo, boWallet, 3000));
    for (const _ of [1, 2, 3]) await done(deposit(bo, boWallet, 3000));
    await done(deposit(bo, boWallet, 3000));
    const full = await deposit(bo, boWallet, 2000);
    refused(full, 'HOLDING_LIMIT_REACHED');
    assert.deepEqual([full.metadata.limit_minor_units, full.metadata.left_minor_units], ['20000', '1998']);
    await put('unverified', { held: '20000' });
    const other = await pay(TRANSFER, 1999);
    refused(other, 'RECEIVER_LIMIT_REACHED');
    assert.deepEqual(other.metadata, {}, 'nothing of the other side is told');
    const check = await pay(CHECK, 1999);
    assert.equal(check.body.would_post, true, 'nor can it be found out by checks');
    await done(admin('admin.v1.LimitService/DeletePolicy', { tier: 'unverified', currency_code: 'KRW' }));
    await done(pay(TRANSFER, 1999));
  });
}

test('a batch that goes above a limit names the item, and says what its transfer alone would', async () => {
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  await stack.fund([anna], 10_000);
  await put('unverified', { day_out: '5000' });
  const item = {
    ...{ debit_wallet_id: await stack.as(anna).defaultWallet(), credit_user_id: String(bo) },
    amount: won(5001),
  };
  const alone = await stack.grpc.call(TRANSFER, item, withKey(anna));
  const batch = { mode: 'BATCH_MODE_ALL_OR_NOTHING', items: [item] };
  const rpc = 'wallet.v2.TransferService/BatchCreateTransfers';
  const { reason, fields, metadata } = await stack.grpc.call(rpc, batch, withKey(anna));
  assert.deepEqual([reason, fields, metadata], ['LIMIT_EXCEEDED', ['items[0]'], alone.metadata]);
  assert.equal(metadata.left_minor_units, '5000');
  await done(admin('admin.v1.LimitService/DeletePolicy', { tier: 'unverified', currency_code: 'KRW' }));
});

test('a policy that is put again starts from what was moved meanwhile', async () => {
  const [anna, bo] = [8301, 8302];
  await stack.addUsers([anna, bo]);
  await stack.fund([anna], 10_000);
  const pay = async (amount: number) =>
    stack.grpc.call(
      TRANSFER,
      {
        debit_wallet_id: await stack.as(anna).defaultWallet(),
        credit_user_id: String(bo),
        amount: won(amount),
      },
      withKey(anna),
    );
  await put('unverified', { day_out: '5000', day_in: '100000' });
  await done(pay(1000));
  await done(admin('admin.v1.LimitService/DeletePolicy', { tier: 'unverified', currency_code: 'KRW' }));
  await done(pay(3000));
  await put('unverified', { day_out: '5000', day_in: '100000' });
  assert.equal(left((await limitsOf(anna)).DAY_OUT as Json), 1000);
  refused(await pay(1001), 'LIMIT_EXCEEDED');
  await done(pay(1000));
  assert.equal(left((await limitsOf(bo)).DAY_IN as Json), 95_000);
});

test('a tier and an own limit of a user', async () => {
  const [anna, bo] = [8401, 8402];
  await stack.addUsers([anna, bo]);
  await put('unverified', { held: '1000' });
  await put('verified', { held: '5000' });
  const wallet_id = await stack.as(anna).defaultWallet();
  const deposit = (amount: number) =>
    stack.grpc.call(DEPOSIT, { wallet_id, amount: won(amount) }, withKey(anna));
  refused(await deposit(1001), 'HOLDING_LIMIT_REACHED');
  await done(admin('admin.v1.LimitService/SetTier', { user_id: String(anna), tier: 'verified' }));
  await done(deposit(5000));
  refused(await deposit(1), 'HOLDING_LIMIT_REACHED');
  const own = {
    user_id: String(anna),
    currency_code: 'KRW',
    kind: 'LIMIT_KIND_HELD',
    reason: 'Checked by hand',
  };
  const until = new Date(Date.now() + 3_600_000).toISOString();
  await done(admin('admin.v1.LimitService/PutOverride', { ...own, limit: '5001', until }));
  await done(deposit(1));
  const set = await done(admin('admin.v1.LimitService/GetUserLimits', { user_id: String(anna) }));
  const { tier, overrides } = set.body.user_limits as Json;
  assert.deepEqual(
    [tier, (overrides as Json[]).map(({ limit, kind }) => [limit, kind])],
    ['verified', [['5001', 'LIMIT_KIND_HELD']]],
  );
  await done(admin('admin.v1.LimitService/PutOverride', { ...own, limit: '9000', until }));
  await done(admin('admin.v1.LimitService/PutOverride', own));
  refused(await deposit(1), 'HOLDING_LIMIT_REACHED');
  for (const bad of [
    { ...own, limit: '1', until: new Date(Date.now() - 1000).toISOString() },
    { ...own, limit: '1' },
    { ...own, limit: '-1', until },
  ])
    refused(await admin('admin.v1.LimitService/PutOverride', bad), 'INVALID_FIELD');
  refused(
    await admin('admin.v1.LimitService/SetTier', { user_id: '999999', tier: 'verified' }),
    'USER_NOT_FOUND',
  );
  for (const tier of ['unverified', 'verified'])
    await done(admin('admin.v1.LimitService/DeletePolicy', { tier, currency_code: 'KRW' }));
});

test('policies are put, listed, and filled by presets', async () => {
  refused(
    await admin('admin.v1.LimitService/PutPolicy', { policy: { tier: 'gold', currency_code: 'KRW' } }),
    'INVALID_FIELD',
  );
  refused(
    await admin('admin.v1.LimitService/PutPolicy', {
      policy: { tier: 'minor', currency_code: 'KRW', held: '-1' },
    }),
    'INVALID_FIELD',
  );
  refused(
    await admin('admin.v1.LimitService/GetPolicy', { tier: 'minor', currency_code: 'KRW' }),
    'LIMIT_POLICY_NOT_FOUND',
  );
  const preset = await done(admin('admin.v1.LimitService/ApplyPreset', { name: 'kr-prepaid-named' }));
  assert.equal((preset.body.policy as Json).held, '2000000');
  assert.match(String(preset.body.note), /[Cc]ounsel/);
  assert.equal((await admin('admin.v1.LimitService/ListPolicies')).list('policies').length, 1);
  assert.equal((await admin('admin.v1.LimitService/ListPolicies')).body.time_zone, ZONE);
  const got = await done(
    admin('admin.v1.LimitService/GetPolicy', { tier: 'verified', currency_code: 'KRW' }),
  );
  assert.equal((got.body.policy as Json).held, '2000000');
  await done(admin('admin.v1.LimitService/DeletePolicy', { tier: 'verified', currency_code: 'KRW' }));
  const rpc = 'admin.v1.LimitService/DeletePolicy';
  const acts = await stack.grpc.call('admin.v1.AuditService/ListActs', { rpc, target: 'verified/KRW' }, {});
  const act = acts.list('acts').find(({ outcome }) => outcome === 'ACT_OUTCOME_DONE');
  assert.deepEqual([act?.before, act?.after], ['{"held": "2000000"}', '']);
});

test('all wallets and pots of a user count as held, and reconciling finds a counter that was changed', async () => {
  const [anna, bo] = [8501, 8502];
  await stack.addUsers([anna, bo]);
  await stack.fund([anna], 1000);
  const wallet_id = await stack.as(anna).defaultWallet();
  const made = await stack.grpc.call(
    'wallet.v2.WalletService/CreateWallet',
    { currency_code: 'KRW', display_name: 'Savings' },
    withKey(anna),
  );
  const second = String((made.body.wallet as Json).wallet_id);
  await put('unverified', { held: '1500', day_in: '100000' });
  const deposit = (wallet: string, amount: number) =>
    stack.grpc.call(DEPOSIT, { wallet_id: wallet, amount: won(amount) }, withKey(anna));
  await done(
    stack.grpc.call('wallet.v2.HoldService/CreateHold', { wallet_id, amount: won(400) }, withKey(anna)),
  );
  refused(await deposit(second, 501), 'HOLDING_LIMIT_REACHED');
  await done(deposit(second, 500));
  assert.equal(left((await limitsOf(anna)).HELD as Json), 0);
  // Between own wallets nothing changes.
  await done(
    stack.grpc.call(
      TRANSFER,
      { debit_wallet_id: wallet_id, credit_wallet_id: second, amount: won(100) },
      withKey(anna),
    ),
  );
  assert.deepEqual((await limitsOf(anna)).DAY_IN?.used, won(1500));

  const pool = createTestPool(stack.database.workerUrl);
  assert.deepEqual((await reconcile(pool)).faults, []);
  await stack.db.query(
    `UPDATE accounts SET usage = regexp_replace(usage, '^(([0-9]+:){3})[0-9]+', '\\17') WHERE id = $1`,
    [second],
  );
  await stack.db.query(`UPDATE accounts SET owner_tier = 'business' WHERE id = $1`, [wallet_id]);
  const { faults } = await reconcile(pool);
  assert.deepEqual(
    faults.map(({ kind, id }) => [kind, id]),
    [
      ['usage', second],
      ['owner', wallet_id],
    ],
  );
  await stack.db.query('UPDATE accounts SET usage = NULL, owner_tier = NULL WHERE id = ANY ($1)', [
    [wallet_id, second],
  ]);
  // What is set for a user moves along with its default wallet.
  await done(admin('admin.v1.LimitService/SetTier', { user_id: String(anna), tier: 'unverified' }));
  const change = { wallet_id: second, is_default: true };
  await done(stack.grpc.call('wallet.v2.WalletService/UpdateWallet', change, withKey(anna)));
  refused(await deposit(wallet_id, 1), 'HOLDING_LIMIT_REACHED');
  assert.deepEqual((await reconcile(pool)).faults, []);
  await pool.end();
  await done(admin('admin.v1.LimitService/DeletePolicy', { tier: 'unverified', currency_code: 'KRW' }));
});
