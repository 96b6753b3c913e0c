// Races between many callers and two servers on one database: never a share too many, never a won twice.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createServerProgram, type ServerProgram } from '../../src/server/compose.ts';
import { actingAs } from '../api.ts';
import { type Answer, type ApiClient, grpcClient } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';

const MEMBERS = Array.from({ length: 100 }, (_, index) => 5001 + index);
const CREATOR = 5000;
const SPENDER = 5900;
const ROOM = 'rush';

let stack: Stack;
/** A second server process on the same database; in this process, but with its own connections and batches. */
let second: ServerProgram;
let clients: readonly ApiClient[];

before(async () => {
  stack = await startStack();
  second = await createServerProgram(stack.config);
  const other = grpcClient(`127.0.0.1:${second.grpcPort}`, stack.key);
  clients = [stack.grpc, other];
  await stack.addUsers([CREATOR, SPENDER, ...MEMBERS]);
  await stack.addRoom(ROOM, [CREATOR, ...MEMBERS]);
  await stack.fund([CREATOR], 1_000_000);
});
after(async () => {
  clients[1]?.close();
  await second.stop();
  await stack.stop();
});

const clientFor = (index: number) => clients[index % clients.length] as ApiClient;
const withKey = (userId: number, more: { roomId?: string; key?: string } = {}) => ({
  userId: String(userId),
  idempotencyKey: more.key ?? crypto.randomUUID(),
  roomId: more.roomId,
});

test('1,000 claims by 100 members on 20 shares: exactly 20 distinct winners, and the sum is exact', async () => {
  const made = await stack.grpc.call(
    'wallet.v1.SprinkleService/CreateSprinkle',
    { amount: 10_007, headcount: 20 },
    withKey(CREATOR, { roomId: ROOM }),
  );
  const token = String(made.body.token);
  const answers = await Promise.all(
    Array.from({ length: 1000 }, async (_, index) => {
      const user = MEMBERS[index % MEMBERS.length] ?? 0;
      const identity = withKey(user, { roomId: ROOM });
      const answer = await clientFor(index).call(
        'wallet.v1.SprinkleService/ClaimSprinkle',
        { token },
        identity,
      );
      return { user, answer };
    }),
  );
  const won = answers.filter(({ answer }) => answer.status === 0);
  assert.equal(won.length, 20);
  assert.equal(new Set(won.map(({ user }) => user)).size, 20);
  assert.equal(
    won.reduce((sum, { answer }) => sum + Number(answer.body.amount), 0),
    10_007,
  );
  const reasons = new Set(answers.map(({ answer }) => answer.reason));
  assert.deepEqual([...reasons].sort(), ['', 'ALREADY_CLAIMED', 'SPRINKLE_EMPTY']);
});

test('50 spends of 100 at once from 1,000: exactly 10 pass', async () => {
  await stack.fund([SPENDER], 1000);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      clientFor(index).call(
        'wallet.v1.WalletService/Transfer',
        { to_user_id: MEMBERS[index] ?? 0, amount: 100 },
        withKey(SPENDER),
      ),
    ),
  );
  assert.equal(answers.filter(({ status }) => status === 0).length, 10);
  assert.ok(answers.every(({ status, reason }) => status === 0 || reason === 'BALANCE_TOO_LOW'));
  const balance = await stack.grpc.call('wallet.v1.WalletService/GetBalance', {}, actingAs(SPENDER));
  assert.equal(balance.body.balance, '0');
});

test('one key 50 times at once, through both servers: one transfer, 50 identical answers', async () => {
  const [payer = 0, payee = 0] = MEMBERS;
  await stack.fund([payer], 1000);
  const key = crypto.randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      clientFor(index).call(
        'wallet.v1.WalletService/Transfer',
        { to_user_id: payee, amount: 7 },
        withKey(payer, { key }),
      ),
    ),
  );
  const [first] = answers;
  assert.equal(first?.status, 0);
  for (const { body } of answers) assert.deepEqual(body, first?.body);
  const { rows } = await stack.db.query(
    `SELECT count(*)::int AS count FROM transfers WHERE kind = 'transfer' AND amount = 7`,
  );
  assert.equal(rows[0]?.count, 1);
});

test('one key for two different requests at once: one wins, the other is refused', async () => {
  const payer = MEMBERS[2] ?? 0;
  await stack.fund([payer], 1000);
  const key = crypto.randomUUID();
  const answers = await Promise.all(
    [11, 12].map((amount, index) =>
      clientFor(index).call(
        'wallet.v1.WalletService/Transfer',
        { to_user_id: MEMBERS[3] ?? 0, amount },
        withKey(payer, { key }),
      ),
    ),
  );
  assert.deepEqual(answers.map(({ reason }) => reason).sort(), ['', 'IDEMPOTENCY_KEY_REUSED']);
});

test('transfers in circles, both ways at once, do not deadlock and lose nothing', async () => {
  const circle = MEMBERS.slice(10, 20);
  await stack.fund(circle, 10_000);
  const before = await totalOf(circle);
  const answers: Answer[] = await Promise.all(
    Array.from({ length: 600 }, (_, index) => {
      const step = index % 2 === 0 ? 1 : circle.length - 1;
      const from = circle[index % circle.length] ?? 0;
      const to = circle[(index + step) % circle.length] ?? 0;
      const request = { to_user_id: to, amount: 1 + (index % 9) };
      return clientFor(index >> 1).call('wallet.v1.WalletService/Transfer', request, withKey(from));
    }),
  );
  assert.deepEqual(
    answers.filter(({ status }) => status !== 0).map(({ reason }) => reason),
    [],
  );
  assert.equal(await totalOf(circle), before);
});

async function totalOf(users: readonly number[]): Promise<number> {
  const { rows } = await stack.db.query(
    'SELECT sum(balance)::bigint AS total FROM accounts WHERE owner_user_id = ANY ($1)',
    [users],
  );
  return Number(rows[0]?.total);
}
