// Acts of operators that need two keys: one asks, another one approves by sending the same request.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { expectRefusal, uniqueUsers, won } from '../api.ts';
import { type Answer, type ApiClient, grpcClient, type Json } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const REVERSE = 'admin.v1.AccountService/ReverseTransfer';
const LIST = 'admin.v1.AuditService/ListActs';
const UNFREEZE = 'admin.v1.AccountService/Unfreeze';

let stack: Stack;
let clients: ApiClient[];
let keys: SigningKey[];
before(async () => {
  stack = await startStack({ keyRefreshMs: 100 });
  keys = [await makeKey(stack.database), await makeKey(stack.database)];
  await stack.db.query(`UPDATE api_keys SET created_at = created_at - interval '2 days'`);
  clients = keys.map((key) => grpcClient(stack.grpcAddress, key));
  for (const client of clients)
    await until('the server knows the key', async () => (await client.call(LIST, {})).status === 0);
  await stack.db.query('INSERT INTO approval_rules (rpc) VALUES ($1), ($2)', [REVERSE, UNFREEZE]);
});
after(async () => {
  for (const client of clients) client.close();
  await stack.stop();
});

const call = (operator: 0 | 1, rpc: string, request: Json, idempotencyKey: string = crypto.randomUUID()) =>
  (clients[operator] as ApiClient).call(rpc, request, rpc === REVERSE ? { idempotencyKey } : {});
const ok = (answer: Answer): Answer => {
  assert.equal(answer.status, 0, answer.reason);
  return answer;
};

async function paid() {
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  await stack.fund([anna], 1000);
  const transfer_id = String((await stack.as(anna).pay(bo, 500)).body.transaction_id);
  return { anna, bo, request: { transfer_id, amount: won(100), reason: 'fraud' } };
}

test('an act waits until another key sends the same request, and is done once', async () => {
  const { anna, request } = await paid();
  const refused = async (operator: 0 | 1, other: Json = {}) =>
    expectRefusal(await call(operator, REVERSE, { ...request, ...other }), 'ERR006', 'APPROVAL_REQUIRED');
  await refused(0);
  await refused(0);
  await refused(1, { amount: won(101) });
  assert.equal(await stack.as(anna).balance(), 500);
  const key = crypto.randomUUID();
  const done = ok(await call(1, REVERSE, request, key));
  assert.deepEqual(ok(await call(1, REVERSE, request, key)).body, done.body, 'the same key, the same answer');
  assert.equal(await stack.as(anna).balance(), 600);
  await refused(1);
  await refused(1);
  const { rows } = await stack.db.query(
    'SELECT asked_by, approved_by FROM pending_acts WHERE target = $1 AND approved_at IS NOT NULL',
    [request.transfer_id],
  );
  assert.deepEqual(rows, [{ asked_by: keys[0]?.keyId, approved_by: keys[1]?.keyId }]);
  const acts = await stack.grpc.call('admin.v1.AuditService/ListActs', { target: request.transfer_id });
  const signers = new Set(acts.list('acts').map(({ key_id }) => key_id));
  assert.deepEqual(signers, new Set(keys.map(({ keyId }) => keyId)));
});

test('an approval that comes too late, or by a key that is younger than a day, is none', async () => {
  const { anna } = await paid();
  const target = { user_id: String(anna), case_id: 'C-1' };
  const order = { ...target, direction: 'FREEZE_DIRECTION_OUT', reason: 'a test' };
  ok(await call(0, 'admin.v1.AccountService/Freeze', order));
  const lift = { ...target, reason: 'over' };
  const ask = async (operator: 0 | 1) =>
    expectRefusal(await call(operator, UNFREEZE, lift), 'ERR006', 'APPROVAL_REQUIRED');
  await ask(0);
  await stack.db.query(`UPDATE pending_acts SET expires_at = clock_timestamp() WHERE approved_at IS NULL`);
  await ask(1);
  await stack.db.query('UPDATE api_keys SET created_at = now() WHERE id = $1', [keys[0]?.keyId]);
  await ask(0);
  await stack.db.query(`UPDATE api_keys SET created_at = now() - interval '2 days' WHERE id = $1`, [
    keys[0]?.keyId,
  ]);
  ok(await call(0, UNFREEZE, lift));
});
