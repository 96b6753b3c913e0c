// Freezes of wallets and users as operators set and lift them, and what their users see of it, through every server at once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createServerProgram, type ServerProgram } from '../../src/server/compose.ts';
import { actingAs, expectRefusal, uniqueUsers, withKey } from '../api.ts';
import { type ApiClient, grpcClient, type Json } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const FREEZE = 'admin.v1.AccountService/Freeze';
const UNFREEZE = 'admin.v1.AccountService/Unfreeze';
const STATUS = 'admin.v1.AccountService/GetAccountStatus';
const NO_ID = '00000000-0000-4000-8000-000000000000';
const HOUR_MS = 3_600_000;

let stack: Stack;
let second: ServerProgram;
let other: ApiClient;
before(async () => {
  stack = await startStack();
  second = await createServerProgram(stack.config);
  other = grpcClient(`127.0.0.1:${second.grpcPort}`, stack.key);
});
after(async () => {
  other.close();
  await second.stop();
  await stack.stop();
});

const call = (rpc: string, request: Json) => stack.grpc.call(rpc, request);
const order = (request: Json): Json => ({
  direction: 'FREEZE_DIRECTION_BOTH',
  reason: 'the police asked',
  case_id: 'C-1',
  ...request,
});
const freeze = async (request: Json): Promise<Json> => {
  const answer = await call(FREEZE, order(request));
  assert.equal(answer.status, 0, answer.reason);
  return answer.body.status as Json;
};
const statesIn = ({ wallets }: Json) => (wallets as Json[]).map(({ state }) => state);

/** Two users with money. */
async function people(): Promise<{ anna: number; bo: number; wallet: string }> {
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  await stack.fund([anna, bo], 1000);
  return { anna, bo, wallet: await stack.as(anna).defaultWallet() };
}
async function stateSeen(client: ApiClient, user: number, wallet_id: string): Promise<unknown> {
  const answer = await client.call('wallet.v2.WalletService/GetWallet', { wallet_id }, actingAs(user));
  return answer.at('wallet', 'state');
}

test('a freeze holds from its answer on, and is seen, in every server; so does its end', async () => {
  const { anna, bo, wallet } = await people();
  for (let round = 0; round < 3; round += 1) {
    // Both have the wallet in the cache.
    for (const client of [stack.grpc, other])
      await until(
        'the wallet is open',
        async () => (await stateSeen(client, anna, wallet)) === 'WALLET_STATE_OPEN',
      );
    await freeze({ wallet_id: wallet, direction: 'FREEZE_DIRECTION_OUT' });
    assert.equal(await stateSeen(other, anna, wallet), 'WALLET_STATE_FROZEN_OUT');
    const payment = { to_user_id: bo, amount: 1 };
    const refused = await other.call('wallet.v1.WalletService/Transfer', payment, withKey(anna));
    expectRefusal(refused, 'ERR006', 'WALLET_FROZEN');
    assert.equal((await call(UNFREEZE, { wallet_id: wallet, case_id: 'C-1', reason: 'over' })).status, 0);
    assert.equal(await stateSeen(other, anna, wallet), 'WALLET_STATE_OPEN');
    assert.equal((await other.call('wallet.v1.WalletService/Transfer', payment, withKey(anna))).status, 0);
  }
});

test('a frozen user has frozen wallets only, also those that are opened later; a list and a search show it', async () => {
  const { anna, wallet } = await people();
  await freeze({ user_id: String(anna), direction: 'FREEZE_DIRECTION_IN' });
  const opened = await stack.grpc.call(
    'wallet.v2.WalletService/CreateWallet',
    { currency_code: 'USD', display_name: 'later' },
    withKey(anna, 'later'),
  );
  assert.equal(opened.at('wallet', 'state'), 'WALLET_STATE_FROZEN_IN');
  const later = String(opened.at('wallet', 'wallet_id'));
  for (const client of [stack.grpc, other])
    assert.equal(await stateSeen(client, anna, later), 'WALLET_STATE_FROZEN_IN');
  const { body } = await call(STATUS, { user_id: String(anna) });
  assert.deepEqual(statesIn(body.status as Json), ['WALLET_STATE_FROZEN_IN', 'WALLET_STATE_FROZEN_IN']);
  // A freeze of the wallet stays when that of its user is lifted.
  await freeze({ wallet_id: later, direction: 'FREEZE_DIRECTION_OUT' });
  assert.equal(await stateSeen(other, anna, later), 'WALLET_STATE_FROZEN');
  await call(UNFREEZE, { user_id: String(anna), case_id: 'C-1', reason: 'over' });
  assert.equal(await stateSeen(other, anna, later), 'WALLET_STATE_FROZEN_OUT');
  assert.equal(await stateSeen(other, anna, wallet), 'WALLET_STATE_OPEN');
  const again = await stack.grpc.call(
    'wallet.v2.WalletService/CreateWallet',
    { currency_code: 'USD', display_name: 'later' },
    withKey(anna, 'later'),
  );
  assert.deepEqual(again.body, opened.body, 'the same key gets the same answer');
});

test('a wallet is frozen as long as one case asks for it, and freezing again for a case replaces its freeze', async () => {
  const { wallet } = await people();
  await freeze({ wallet_id: wallet, case_id: 'A', direction: 'FREEZE_DIRECTION_OUT' });
  await freeze({ wallet_id: wallet, case_id: 'B', direction: 'FREEZE_DIRECTION_BOTH' });
  const replaced = await freeze({ wallet_id: wallet, case_id: 'B', direction: 'FREEZE_DIRECTION_IN' });
  assert.deepEqual(statesIn(replaced), ['WALLET_STATE_FROZEN']);
  const freezes = (replaced.freezes as Json[]).map(({ case_id, direction }) => [case_id, direction]);
  assert.deepEqual(freezes, [
    ['A', 'FREEZE_DIRECTION_OUT'],
    ['B', 'FREEZE_DIRECTION_IN'],
  ]);
  const lifted = await call(UNFREEZE, { wallet_id: wallet, case_id: 'A', reason: 'over' });
  assert.deepEqual(statesIn(lifted.body.status as Json), ['WALLET_STATE_FROZEN_IN']);
});

test('a freeze with an end is over by itself, by the database’s clock', async () => {
  const { anna, bo, wallet } = await people();
  await freeze({ wallet_id: wallet, until: new Date(Date.now() + HOUR_MS).toISOString() });
  const pay = () => stack.as(anna).pay(bo, 1);
  expectRefusal(await pay(), 'ERR006', 'WALLET_FROZEN');
  // An hour later.
  await stack.db.query(`UPDATE accounts SET frozen_out_until = clock_timestamp() WHERE id = $1`, [wallet]);
  assert.equal((await pay()).status, 0);
});

test('each act stands on the audit trail with why, and how the target was before and after', async () => {
  const { anna, wallet } = await people();
  await freeze({ wallet_id: wallet });
  await freeze({ user_id: String(anna), case_id: 'C-2' });
  const actsOf = async (target: string) =>
    (await call('admin.v1.AuditService/ListActs', { target, rpc: FREEZE })).list('acts');
  const [done, attempted] = await actsOf(wallet);
  assert.equal(attempted?.outcome, 'ACT_OUTCOME_ATTEMPTED');
  assert.deepEqual([done?.outcome, done?.reason], ['ACT_OUTCOME_DONE', 'the police asked']);
  assert.match(String(done?.before), /"state":"open"|"state": "open"/);
  assert.match(String(done?.after), /"case_?id": ?"C-1"/i);
  assert.equal((await actsOf(`user/${anna}`)).length, 2);
});

test('what cannot be done is refused by name', async () => {
  const { anna, wallet } = await people();
  const past = new Date(Date.now() - HOUR_MS).toISOString();
  const refused = async (rpc: string, request: Json, reason: string, fields: readonly string[] = []) => {
    const answer = await call(rpc, request);
    assert.deepEqual([answer.reason, answer.fields], [reason, fields]);
  };
  await refused(FREEZE, order({ wallet_id: wallet, until: past }), 'INVALID_FIELD', ['until']);
  await refused(FREEZE, order({ wallet_id: NO_ID }), 'WALLET_NOT_FOUND', ['wallet_id']);
  await refused(FREEZE, order({ user_id: '999999999999' }), 'USER_NOT_FOUND', ['user_id']);
  await refused(FREEZE, order({}), 'INVALID_FIELD', ['target']);
  await refused(FREEZE, order({ wallet_id: wallet, reason: '' }), 'INVALID_FIELD', ['reason']);
  await refused(FREEZE, order({ wallet_id: wallet, reason: 'a\u0000b' }), 'INVALID_FIELD', ['reason']);
  await refused(FREEZE, order({ wallet_id: wallet, case_id: 'with space' }), 'INVALID_FIELD', ['case_id']);
  await refused(FREEZE, order({ wallet_id: wallet, direction: 0 }), 'INVALID_FIELD', ['direction']);
  const lift = { case_id: 'none', reason: 'over' };
  await refused(UNFREEZE, { wallet_id: wallet, ...lift }, 'FREEZE_NOT_FOUND', ['case_id']);
  await refused(UNFREEZE, { wallet_id: NO_ID, ...lift }, 'WALLET_NOT_FOUND', ['wallet_id']);
  await refused(STATUS, { user_id: '999999999999' }, 'USER_NOT_FOUND', ['user_id']);
  const { body } = await call(STATUS, { user_id: String(anna) });
  assert.deepEqual((body.status as Json).freezes, []);
});
