// What became of an idempotency key can be asked without paying: the answer that was given, or that nothing more will come.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { requestRest } from '../../clients/typescript/src/rest.ts';
import { actingAs } from '../api.ts';
import { type Answer, type ApiClient, grpcClient, type Json, signedLater } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { startTcpProxy } from '../tcp-proxy.ts';

const GET = 'wallet.v2.TransferService/GetOutcome';
const PAY = 'wallet.v1.WalletService/Transfer';
let stack: Stack;
before(async () => {
  stack = await startStack({ edge: !withoutEdge, keyRefreshMs: 100 });
  for (const { first } of ways) {
    await stack.addUsers([first + 1, first + 2]);
    await stack.addRoom(`room-${first}`, [first + 1, first + 2]);
    await stack.fund([first + 1], 100_000);
  }
});
after(() => stack.stop());

const krw = (amount: number) => ({ currency_code: 'KRW', minor_units: String(amount) });
const ways: readonly { over: string; first: number; client: () => ApiClient }[] = [
  { over: 'gRPC', first: 9600, client: () => stack.grpc },
  ...(withoutEdge ? [] : [{ over: 'REST', first: 9700, client: () => stack.rest }]),
];

for (const { over, first, client } of ways) {
  const [anna, bo] = [first + 1, first + 2];
  const room = `room-${first}`;
  const call = (...args: Parameters<ApiClient['call']>) => client().call(...args);
  const ask = (idempotency_key: string, user = anna) => call(GET, { idempotency_key }, actingAs(user));
  const walletOf = async (user: number) =>
    String(
      (await call('wallet.v2.WalletService/ListWallets', {}, actingAs(user))).list('wallets')[0]?.wallet_id,
    );

  /** Makes a call and asks what became of it: the very answer that it gave. */
  async function isToldAgain(rpc: string, request: Json, user = anna, roomId?: string): Promise<Answer> {
    const idempotencyKey = crypto.randomUUID();
    const given = await call(rpc, request, { ...actingAs(user), idempotencyKey, ...(roomId && { roomId }) });
    assert.equal(given.status, 0, `${rpc}: ${given.reason}`);
    const { body } = await ask(idempotencyKey, user);
    assert.deepEqual([body.state, body.rpc], ['OUTCOME_STATE_POSTED', rpc]);
    const { '@type': type, ...answer } = body.answer as Json;
    assert.equal(type, `type.googleapis.com/${rpc.replace(/\.\w+\/(\w+)$/, '.$1Response')}`);
    assert.deepEqual(answer, given.body, rpc);
    return given;
  }

  test(`the answer of every call that moves money is told again, over ${over}`, async () => {
    const [wallet, boWallet] = [await walletOf(anna), await walletOf(bo)];
    await isToldAgain('wallet.v1.WalletService/Charge', { amount: 10 });
    await isToldAgain(PAY, { to_user_id: String(bo), amount: 10, memo: 'lunch' });
    const v1 = await isToldAgain(
      'wallet.v1.SprinkleService/CreateSprinkle',
      { amount: 10, headcount: 2 },
      anna,
      room,
    );
    await isToldAgain('wallet.v1.SprinkleService/ClaimSprinkle', { token: v1.body.token ?? '' }, bo, room);
    await isToldAgain('wallet.v2.WalletService/CreateWallet', { currency_code: 'USD', display_name: 'D' });
    await isToldAgain('wallet.v2.TransferService/Deposit', { wallet_id: wallet, amount: krw(5) });
    await isToldAgain('wallet.v2.TransferService/Withdraw', { wallet_id: wallet, amount: krw(5) });
    const item = { debit_wallet_id: wallet, credit_wallet_id: boWallet, amount: krw(5), memo: 'a' };
    await isToldAgain('wallet.v2.TransferService/CreateTransfer', item);
    const items = [item, { ...item, amount: krw(10_000_000) }, { ...item, memo: 'b' }];
    await isToldAgain('wallet.v2.TransferService/BatchCreateTransfers', { items, mode: 'BATCH_MODE_EACH' });
    const sprinkle = { room_id: room, wallet_id: wallet, amount: krw(10), headcount: 2 };
    const v2 = await isToldAgain('wallet.v2.SprinkleService/CreateSprinkle', sprinkle);
    const token = String(v2.at('sprinkle', 'token'));
    await isToldAgain('wallet.v2.SprinkleService/ClaimSprinkle', { room_id: room, token }, bo);
    const draft = { wallet_id: wallet, mode: 'PAYOUT_MODE_EACH' };
    const made = await isToldAgain('wallet.v2.PayoutService/CreatePayout', draft);
    const payout_id = String(made.at('payout', 'payout_id'));
    const lines = [{ user_id: String(bo), amount: krw(1) }];
    await call('wallet.v2.PayoutService/AddPayoutLines', { payout_id, first_line: 1, lines }, actingAs(anna));
    await isToldAgain('wallet.v2.PayoutService/StartPayout', { payout_id, line_count: 1 });
    await isToldAgain('wallet.v2.PayoutService/CancelPayout', { payout_id });
  });

  test(`where nothing was done, no attempt that was sent before posts, and one sent afterwards does, over ${over}`, async () => {
    const idempotencyKey = crypto.randomUUID();
    const asked = await ask(idempotencyKey);
    assert.equal(asked.body.state, 'OUTCOME_STATE_NOT_POSTED');
    assert.deepEqual([asked.body.rpc, asked.body.answer], ['', undefined]);
    const pay = () => call(PAY, { to_user_id: String(bo), amount: 1 }, { ...actingAs(anna), idempotencyKey });
    // Signed in the second of the question, it may have been signed before it.
    const paid = await signedLater(pay);
    assert.equal(paid.status, 0, paid.reason);
    assert.equal((await ask(idempotencyKey)).body.state, 'OUTCOME_STATE_POSTED');
    // The key is the user's own: to another one it says nothing.
    assert.equal((await ask(idempotencyKey, bo)).body.state, 'OUTCOME_STATE_NOT_POSTED');
  });

  test(`while an attempt is being written nothing is said of it, over ${over}`, async () => {
    const key = crypto.randomUUID();
    const writer = await stack.db.connect();
    await writer.query('BEGIN');
    await writer.query(
      `INSERT INTO idempotency_keys (user_id, key, fingerprint, outcome, created_at) VALUES ($1, $2, '', '{}', now())`,
      [anna, key],
    );
    assert.equal((await ask(key)).body.state, 'OUTCOME_STATE_UNDECIDED');
    await writer.query('COMMIT');
    writer.release();
    // An answer from before RPCs were noted: that it was given is known, and what it was is told to a retry only.
    const { body } = await ask(key);
    assert.deepEqual([body.state, body.rpc, body.answer], ['OUTCOME_STATE_POSTED', '', undefined]);
  });
}

test('an attempt that is still on its way when nothing was said to be posted comes to nothing', async () => {
  const proxy = await startTcpProxy(stack.app.grpcPort);
  const far = grpcClient(`127.0.0.1:${proxy.port}`, stack.key);
  const [identity, idempotency_key] = [actingAs(9601), crypto.randomUUID()];
  try {
    // So that the connection is open before anything is held back.
    assert.equal((await far.call('wallet.v1.WalletService/GetBalance', {}, identity)).status, 0);
    const held = proxy.hold();
    const attempt = { ...identity, idempotencyKey: idempotency_key };
    const paying = far.call(PAY, { to_user_id: '9602', amount: 1 }, attempt);
    await held;
    const asked = await stack.grpc.call(GET, { idempotency_key }, identity);
    assert.equal(asked.body.state, 'OUTCOME_STATE_NOT_POSTED');
    proxy.release();
    assert.equal((await paying).reason, 'ATTEMPT_SUPERSEDED');
    const again = await stack.grpc.call(GET, { idempotency_key }, identity);
    assert.equal(again.body.state, 'OUTCOME_STATE_NOT_POSTED');
  } finally {
    far.close();
    proxy.close();
  }
});

test('a key of any visible characters can be asked for over REST, in the query', {
  skip: withoutEdge,
}, async () => {
  const [{ first }] = ways.slice(-1) as [(typeof ways)[number]];
  for (const idempotencyKey of ['a/b', '50%', 'why?', '..', '//', '&=#+', '"{x}"', '%2F']) {
    const identity = { ...actingAs(first + 1), idempotencyKey };
    const paid = await stack.rest.call(PAY, { to_user_id: String(first + 2), amount: 1 }, identity);
    assert.equal(paid.status, 0, idempotencyKey);
    const path = `/api/v2/outcomes?idempotency_key=${encodeURIComponent(idempotencyKey)}`;
    const answer = await requestRest(
      `${stack.restUrl}${path}`,
      'GET',
      undefined,
      actingAs(first + 1),
      stack.key,
      30_000,
    );
    const body = answer.body as Json;
    assert.deepEqual([body.state, body.rpc], ['OUTCOME_STATE_POSTED', PAY], idempotencyKey);
  }
});

test('a key in the path and another one in the query is refused', { skip: withoutEdge }, async () => {
  const url = `${stack.restUrl}/api/v2/outcomes/one?idempotency_key=two`;
  const answer = await requestRest(url, 'GET', undefined, actingAs(9701), stack.key, 30_000);
  assert.equal(answer.status, 400, JSON.stringify(answer.body));
});

test('who may not pay may not ask: it ends attempts that are on their way', async () => {
  const key = await makeKey(stack.database, { scopes: ['read'] });
  const reader = grpcClient(stack.grpcAddress, key);
  const ask = () => reader.call(GET, { idempotency_key: 'k' }, actingAs(9601));
  let answer = await ask();
  // The server hears of the new key in a moment.
  while (answer.reason === 'AUTHENTICATION_FAILED') answer = await ask();
  assert.equal(answer.reason, 'MISSING_SCOPE');
  reader.close();
});
