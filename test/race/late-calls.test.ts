// A refusal is definite for callers: a first attempt that the network held up does not pay once its retry was refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { actingAs, as, expectRefusal } from '../api.ts';
import { type Answer, type ApiClient, grpcClient, signedLater } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts';

const [ANNA, BO] = [6301, 6302];
let stack: Stack;
let proxy: TcpProxy;
let far: ApiClient;
before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA, BO]);
  proxy = await startTcpProxy(stack.app.grpcPort);
  far = grpcClient(`127.0.0.1:${proxy.port}`, stack.key);
  // So that the connection is open before anything is held back.
  assert.equal((await far.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA))).status, 0);
});
after(async () => {
  far.close();
  proxy.close();
  await stack.stop();
});

const pay = (client: ApiClient, idempotencyKey: string): Promise<Answer> =>
  as(ANNA, client).pay(BO, 100, idempotencyKey);
const paid = async () =>
  (await stack.db.query(`SELECT count(*)::int AS n FROM transfers WHERE kind = 'transfer'`)).rows[0].n;

test('a call that was held up on its way posts nothing; a retry pays once', async () => {
  const key = crypto.randomUUID();
  const held = proxy.hold();
  const first = pay(far, key);
  await held;
  assert.equal((await pay(stack.grpc, key)).reason, 'BALANCE_TOO_LOW');
  await stack.fund([ANNA], 100);
  proxy.release();
  const late = await first;
  expectRefusal(late, 'ERR007', 'ATTEMPT_SUPERSEDED', 'any');
  assert.equal(await paid(), 0);
  const again = await signedLater(() => pay(stack.grpc, key));
  assert.equal(again.status, 0, again.reason);
  assert.deepEqual((await pay(stack.grpc, key)).body, again.body);
  assert.equal(await paid(), 1);
});
