// Sprinkles over time: they expire, their tokens are used again, and a room can run full.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { drawFreeTokens, TOKEN_COUNT } from '../../src/domain/token.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { actingAs, expectRefusal } from '../api.ts';
import { type Answer, signedLater } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const [ANNA, BO, CHO] = [9001, 9002, 9003];
const ROOM = 'room-9000';
/** Not random at all: every token is taken, so their order is none. */
const IN_ORDER = { ...cryptoRandom, below: () => 0 };
/** The tokens that are free in a room that is full but for them. */
const FREE = ['aB3', 'zz9'];
let stack: Stack;
before(async () => {
  stack = await startStack({ env: { STATEMENT_TIMEOUT_MS: '18000' } });
  await stack.addUsers([ANNA, BO, CHO]);
  await stack.addRoom(ROOM, [ANNA, BO, CHO]);
  await stack.fund([ANNA, BO], 100_000);
});
after(() => stack.stop());

const me = (user: number) => ({ userId: String(user), roomId: ROOM, idempotencyKey: crypto.randomUUID() });
/** Reading a full room takes seconds where the machine is busy. */
const PATIENCE_MS = 60_000;
/** Makes a sprinkle, again under its key while that is UNAVAILABLE. */
function make(user: number): Promise<Answer> {
  const [identity, request] = [me(user), { amount: 1000, headcount: 2 }];
  const rpc = 'wallet.v1.SprinkleService/CreateSprinkle';
  const ask = async () => {
    const answer = await signedLater(() => stack.grpc.call(rpc, request, identity, PATIENCE_MS));
    return answer.reason !== 'UNAVAILABLE' && answer.reason !== 'DEADLINE_EXCEEDED' && answer;
  };
  return until('it is made or refused', ask, PATIENCE_MS);
}
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
  // Not for those of fillRoom(), which are the crowd.
  await withoutTriggers(
    `UPDATE sprinkle_tokens SET expires_at = expires_at - $1::interval WHERE expires_at < now() + interval '1 hour'`,
    [interval],
  );
}

/** Writes what triggers would refuse, who know that time only goes forward, or look at row by row, such as references. */
async function withoutTriggers(sql: string, values: unknown[]): Promise<void> {
  const client = await stack.db.connect();
  await client.query('SET session_replication_role = replica');
  await client.query(sql, values);
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
  const empty = () => stack.db.query('TRUNCATE sprinkle_tokens');
  await empty();
  assert.equal((await make(ANNA)).status, 0);
  await empty();
  const left = new Set(free);
  const taken = drawFreeTokens(new Set(), TOKEN_COUNT, IN_ORDER).filter((token) => !left.has(token));
  await withoutTriggers(
    `INSERT INTO sprinkle_tokens (room_id, token, sprinkle_id, expires_at)
     SELECT $1, token, (SELECT id FROM sprinkles ORDER BY created_at DESC LIMIT 1), now() + interval '1 day'
     FROM unnest($2::text[]) AS token`,
    [ROOM, taken],
  );
  await stack.db.query('ANALYZE sprinkle_tokens');
}

test('the last two tokens of a room: made at once, two sprinkles get them, a third is refused clearly, and those that expire are used again', async () => {
  await fillRoom(FREE);
  const made = await Promise.all([make(ANNA), make(BO)]);
  assert.deepEqual(made.map(({ body }) => body.token).sort(), FREE);
  const before = await stack.grpc.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA));
  const refused = await make(ANNA);
  expectRefusal(refused, 'ERR006', 'ROOM_OUT_OF_TOKENS', 'any');
  const after = await stack.grpc.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA));
  assert.deepEqual(after.body, before.body);

  await letPass('10 minutes');
  const token = String((await make(BO)).body.token);
  assert.ok(FREE.includes(token));
  assert.equal((await claim(CHO, token)).status, 0);
  assert.equal((await getSprinkle(BO, token)).list('claims').length, 1, 'it means the new one');
});
