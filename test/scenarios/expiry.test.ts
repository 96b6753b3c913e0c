// Sprinkles over time: they expire, their tokens are used again, and a room can run full.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { drawFreeTokens, TOKEN_COUNT } from '../../src/domain/token.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { actingAs, expectRefusal } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';

const [ANNA, BO, CHO] = [9001, 9002, 9003];
const ROOM = 'room-9000';
let stack: Stack;
before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA, BO, CHO]);
  await stack.addRoom(ROOM, [ANNA, BO, CHO]);
  await stack.fund([ANNA, BO], 100_000);
});
after(() => stack.stop());

const me = (user: number) => ({ userId: String(user), roomId: ROOM, idempotencyKey: crypto.randomUUID() });
const make = (user: number) =>
  stack.grpc.call('wallet.v1.SprinkleService/CreateSprinkle', { amount: 1000, headcount: 2 }, me(user));
const claim = (user: number, token: string) =>
  stack.grpc.call('wallet.v1.SprinkleService/ClaimSprinkle', { token }, me(user));
const getSprinkle = (user: number, token: string) =>
  stack.grpc.call('wallet.v1.SprinkleService/GetSprinkle', { token }, me(user));

/** Lets time pass for every sprinkle: everything about it happened so much earlier. */
async function letPass(interval: string): Promise<void> {
  await stack.db.query(
    `UPDATE sprinkles SET created_at = created_at - $1::interval, expires_at = expires_at - $1::interval`,
    [interval],
  );
  const client = await stack.db.connect();
  // Without triggers: they know that time only goes forward.
  await client.query('SET session_replication_role = replica');
  await client.query('UPDATE sprinkle_tokens SET expires_at = expires_at - $1::interval', [interval]);
  await client.query('RESET session_replication_role');
  client.release();
}

test('after its lifetime a sprinkle gives no more, and its creator sees it for as long as the look-up lasts', async () => {
  const token = String((await make(ANNA)).body.token);
  assert.equal((await claim(BO, token)).status, 0);
  await letPass('10 minutes');
  assert.equal((await claim(CHO, token)).reason, 'SPRINKLE_EXPIRED');
  // Long after, too, when that is known before the ledger is asked.
  await letPass('1 hour');
  assert.equal((await claim(CHO, token)).reason, 'SPRINKLE_EXPIRED');
  const seen = await getSprinkle(ANNA, token);
  assert.equal(seen.list('claims').length, 1);
  await letPass('7 days');
  const gone = await getSprinkle(ANNA, token);
  assert.deepEqual([gone.reason, gone.fields], ['SPRINKLE_NOT_FOUND', ['token']]);
});

/** Gives all tokens of the room but some to a sprinkle that lives on, as if so many had been made. */
async function fillRoom(free: readonly string[]): Promise<void> {
  await stack.db.query('DELETE FROM sprinkle_tokens');
  const left = new Set(free);
  const taken = drawFreeTokens(new Set(), TOKEN_COUNT, cryptoRandom).filter((token) => !left.has(token));
  await stack.db.query(
    `INSERT INTO sprinkle_tokens (room_id, token, sprinkle_id, expires_at)
     SELECT $1, token, (SELECT id FROM sprinkles ORDER BY created_at DESC LIMIT 1), now() + interval '1 day'
     FROM unnest($2::text[]) AS token`,
    [ROOM, taken],
  );
}

test('in a room with two free tokens left, two sprinkles made at once get them, and the third is refused clearly', async () => {
  await fillRoom(['aB3', 'zz9']);
  const made = await Promise.all([make(ANNA), make(BO)]);
  assert.deepEqual(made.map(({ body }) => body.token).sort(), ['aB3', 'zz9']);
  const before = await stack.grpc.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA));
  const refused = await make(ANNA);
  expectRefusal(refused, 'ERR006', 'ROOM_OUT_OF_TOKENS', 'any');
  const after = await stack.grpc.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA));
  assert.deepEqual(after.body, before.body);
});

test('the token of an expired sprinkle is used again, and then means the new one', async () => {
  await letPass('10 minutes');
  const made = await make(BO);
  const token = String(made.body.token);
  assert.ok(['aB3', 'zz9'].includes(token));
  assert.equal((await claim(CHO, token)).status, 0);
  assert.equal((await getSprinkle(BO, token)).list('claims').length, 1);
});
