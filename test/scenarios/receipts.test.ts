// Receipts over gRPC and REST: who gets one, when, and that the verifier accepts it; and the log's checkpoints and their consistency.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { verifyReceipt } from '../../scripts/verify/receipt.ts';
import { parseCheckpoint, parseVerifier, verifyConsistency } from '../../src/transparency/index.ts';
import { actingAs, expectRefusal, withKey, won } from '../api.ts';
import type { ApiClient, Json } from '../api-client.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { type KeptLog, keepLog } from '../transparency/kept-log.ts';

const GET_RECEIPT = 'wallet.v2.ReceiptService/GetReceipt';
const GET_CHECKPOINT = 'wallet.v2.ReceiptService/GetCheckpoint';
const GET_CONSISTENCY = 'wallet.v2.ReceiptService/GetConsistencyProof';
const PAY = 'wallet.v2.TransferService/CreateTransfer';
const [ANNA, BO, CHO] = [6701, 6702, 6703];
const NO_ID = '00000000-0000-4000-8000-000000000000';

let stack: Stack;
let log: KeptLog;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
  log = keepLog(stack.database);
  await stack.addUsers([ANNA, BO, CHO]);
  await stack.fund([ANNA], 100_000);
});
after(async () => {
  await log.stop();
  await stack.stop();
});

async function pay(): Promise<string> {
  const debit_wallet_id = await stack.as(ANNA).defaultWallet();
  const request = { debit_wallet_id, credit_user_id: String(BO), amount: won(5000) };
  const answer = await stack.grpc.call(PAY, request, withKey(ANNA));
  return String((answer.body.transfer as Json).transfer_id);
}

const ways: readonly { over: string; client: () => ApiClient }[] = [
  { over: 'gRPC', client: () => stack.grpc },
  ...(withoutEdge ? [] : [{ over: 'REST', client: () => stack.rest }]),
];

for (const { over, client } of ways) {
  const ask = (rpc: string, request: Json, user = ANNA) => client().call(rpc, request, actingAs(user));

  test(`a receipt over ${over} is for both sides, each with its own salt, and for nobody else`, async () => {
    const transfer_id = await pay();
    await log.keep();
    const { body } = await ask(GET_CHECKPOINT, {});
    const keys = (body.public_keys as string[]).flatMap((text) => parseVerifier(text) ?? []);
    assert.ok(keys.length > 0);
    for (const [user, party] of [
      [ANNA, 'debit'],
      [BO, 'credit'],
    ] as const) {
      const receipt = await ask(GET_RECEIPT, { transfer_id: transfer_id.toUpperCase() }, user);
      const { fields, sides } = verifyReceipt(JSON.stringify(receipt.body), keys);
      assert.equal(fields.transferId, transfer_id);
      assert.equal(fields.amount, 5000n);
      assert.deepEqual(
        sides.map((side) => [side.party, side.userId]),
        [[party, BigInt(user)]],
      );
    }
    const asked = await ask(GET_RECEIPT, { transfer_id }, CHO);
    expectRefusal(asked, 'ERR005', 'TRANSFER_NOT_FOUND', ['transfer_id']);
    expectRefusal(await ask(GET_RECEIPT, { transfer_id: NO_ID }), 'ERR005', 'TRANSFER_NOT_FOUND', [
      'transfer_id',
    ]);
    expectRefusal(await ask(GET_RECEIPT, { transfer_id: 'x' }), 'ERR001', 'INVALID_FIELD', ['transfer_id']);
  });

  test(`a transfer that is not sealed, or in no checkpoint, has no receipt yet over ${over}`, async () => {
    const transfer_id = await pay();
    expectRefusal(await ask(GET_RECEIPT, { transfer_id }), 'ERR006', 'RECEIPT_NOT_READY');
    await log.seal();
    expectRefusal(await ask(GET_RECEIPT, { transfer_id }), 'ERR006', 'RECEIPT_NOT_READY');
    await log.append();
    expectRefusal(await ask(GET_RECEIPT, { transfer_id }), 'ERR006', 'RECEIPT_NOT_READY');
    await log.sign();
    assert.ok((await ask(GET_RECEIPT, { transfer_id })).body.receipt);
  });

  test(`checkpoints over ${over} are consistent, and sizes that are not of the log are refused`, async () => {
    const { body: first } = await ask(GET_CHECKPOINT, {});
    for (let n = 0; n < 3; n++) await pay();
    await log.keep();
    const { body: second } = await ask(GET_CHECKPOINT, {});
    const keys = (second.public_keys as string[]).flatMap((text) => parseVerifier(text) ?? []);
    const [from, to] = [first, second].map(({ checkpoint }) => {
      const read = parseCheckpoint(String(checkpoint), keys);
      return typeof read === 'string' ? assert.fail(read) : read;
    });
    assert.ok(from && to);
    assert.equal(to.size, from.size + 3);
    const sizes = { from_size: String(from.size), to_size: String(to.size) };
    const { body } = await ask(GET_CONSISTENCY, sizes);
    const proof = (body.proof as string[]).map((hash) => Buffer.from(hash, 'base64'));
    assert.ok(verifyConsistency(from.size, to.size, proof, { from: from.root, to: to.root }));
    const beyond = { from_size: '1', to_size: String(to.size + 1) };
    expectRefusal(await ask(GET_CONSISTENCY, beyond), 'ERR001', 'INVALID_FIELD', ['to_size']);
    const most = { from_size: '1', to_size: '9223372036854775807' };
    expectRefusal(await ask(GET_CONSISTENCY, most), 'ERR001', 'INVALID_FIELD', ['to_size']);
    expectRefusal(await ask(GET_CONSISTENCY, { from_size: '2', to_size: '1' }), 'ERR001', 'INVALID_FIELD', [
      'from_size',
    ]);
    expectRefusal(await ask(GET_CONSISTENCY, { from_size: '0', to_size: '1' }), 'ERR001', 'INVALID_FIELD', [
      'from_size',
    ]);
  });
}

test('a transfer from before the log began has no receipt, which is said for good', async () => {
  const transfer_id = await pay();
  await stack.db.query(`BEGIN; SET LOCAL session_replication_role = replica;
    UPDATE transfers SET written_by = NULL WHERE id = '${transfer_id}'; COMMIT`);
  await log.keep();
  const answer = await stack.grpc.call(GET_RECEIPT, { transfer_id }, actingAs(ANNA));
  expectRefusal(answer, 'ERR006', 'TRANSFER_PREDATES_LOG', ['transfer_id']);
});
