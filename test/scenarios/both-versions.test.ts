// The same operations in v1 and v2, over gRPC and over REST: money comes in, moves, is sprinkled and claimed.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { expectRefusal, uniqueUsers } from '../api.ts';
import type { Answer } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';
import { type ApiVersion, v1, v2 } from './api-versions.ts';

let stack: Stack;
before(async () => {
  stack = await startStack({ edge: true });
});
after(() => stack.stop());

const clients = { gRPC: () => stack.grpc, REST: () => stack.rest };
const versions = { v1, v2 };
for (const [version, create] of Object.entries(versions)) {
  for (const [transport, client] of Object.entries(clients)) {
    describe(`${version} over ${transport}`, () => testOperations(() => create(client())));
  }
}

const tokenOf = (made: Answer) => String(made.body.token ?? made.at('sprinkle', 'token'));
const amountOf = (claim: Answer) => Number(claim.at('amount', 'minor_units') ?? claim.body.amount);
const balanceOf = (answer: Answer) => Number(answer.at('balance', 'minor_units') ?? answer.body.balance);

/** Four users of one test, of whom the first has money, and a room of the first three. */
async function createPeople(balance: number) {
  const [anna = 0, bo = 0, cho = 0, outsider = 0] = uniqueUsers(4);
  const room = `room-${anna}`;
  await stack.addUsers([anna, bo, cho, outsider]);
  await stack.addRoom(room, [anna, bo, cho]);
  if (balance > 0) await stack.fund([anna], balance);
  return { anna, bo, cho, outsider, room };
}

function testOperations(create: () => ApiVersion): void {
  let api: ApiVersion;
  before(() => {
    api = create();
  });

  test('money comes in, and the balance shows it', async () => {
    const { anna } = await createPeople(0);
    assert.equal(await api.balance(anna), 0);
    assert.equal(balanceOf(await api.charge(anna, 50_000)), 50_000);
    assert.equal(await api.balance(anna), 50_000);
  });

  test('money moves, and both histories show it', async () => {
    const { anna, bo } = await createPeople(0);
    await api.charge(anna, 50_000);
    assert.equal(balanceOf(await api.transfer(anna, bo, 20_000)), 30_000);
    assert.deepEqual(await api.history(anna), [
      { amount: -20_000, balanceAfter: 30_000, kind: 'TRANSFER' },
      { amount: 50_000, balanceAfter: 50_000, kind: 'DEPOSIT' },
    ]);
    assert.deepEqual(await api.history(bo), [{ amount: 20_000, balanceAfter: 20_000, kind: 'TRANSFER' }]);
  });

  test('too much is refused and nothing moves', async () => {
    const { anna, bo } = await createPeople(30_000);
    expectRefusal(await api.transfer(anna, bo, 30_001), 'ERR006', 'BALANCE_TOO_LOW', 'any');
    assert.equal(await api.balance(anna), 30_000);
  });

  test('a retry gets the same answer and moves nothing again', async () => {
    const { anna, bo } = await createPeople(30_000);
    const key = crypto.randomUUID();
    const first = await api.transfer(anna, bo, 1000, key);
    const again = await api.transfer(anna, bo, 1000, key);
    assert.equal(first.status, 0);
    assert.deepEqual(again.body, first.body);
    expectRefusal(await api.transfer(anna, bo, 1001, key), 'ERR006', 'IDEMPOTENCY_KEY_REUSED', 'any');
    assert.equal(await api.balance(anna), 29_000);
  });

  test('a sprinkle is claimed by members, each once, and its creator sees who got what', async () => {
    const { anna, bo, cho, outsider, room } = await createPeople(29_000);
    const made = await api.sprinkle(anna, room, 10_000, 2);
    const token = tokenOf(made);
    assert.match(token, /^[A-Za-z0-9]{3}$/);
    assert.equal(await api.balance(anna), 19_000);

    expectRefusal(await api.claim(anna, room, token), 'ERR006', 'OWN_SPRINKLE', 'any');
    expectRefusal(await api.claim(outsider, room, token), 'ERR005', 'SPRINKLE_NOT_FOUND', 'any');
    const boBefore = await api.balance(bo);
    const boClaimed = amountOf(await api.claim(bo, room, token));
    assert.equal(await api.balance(bo), boBefore + boClaimed);
    expectRefusal(await api.claim(bo, room, token), 'ERR006', 'ALREADY_CLAIMED', 'any');
    const choClaimed = amountOf(await api.claim(cho, room, token));
    assert.equal(boClaimed + choClaimed, 10_000);

    const seen = await api.getSprinkle(anna, room, made);
    const claims = (seen.body.claims ?? seen.at('sprinkle', 'claims')) as { user_id: string }[];
    assert.deepEqual(
      claims.map(({ user_id }) => Number(user_id)),
      [bo, cho],
    );
    expectRefusal(await api.getSprinkle(outsider, room, made), 'ERR005', 'SPRINKLE_NOT_FOUND', 'any');
  });

  test('a retried claim gets the same share', async () => {
    const { anna, bo, room } = await createPeople(5_000);
    const token = tokenOf(await api.sprinkle(anna, room, 5_000, 5));
    const key = crypto.randomUUID();
    const first = await api.claim(bo, room, token, key);
    assert.deepEqual((await api.claim(bo, room, token, key)).body, first.body);
    expectRefusal(await api.claim(bo, room, token), 'ERR006', 'ALREADY_CLAIMED', 'any');
  });
}
