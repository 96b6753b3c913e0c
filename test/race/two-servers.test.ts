// Races at one hold, at one transfer and at one receiver's holding limit, over two server processes that are called by gRPC while a
// worker gives back what is left: in the order of the ledger itself no bound is ever broken, and exactly the calls that fit are made.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Random } from '../../src/domain/random.ts';
import { won } from '../api.ts';
import type { Answer, Json } from '../api-client.ts';
import { seededRandom } from '../domain/seeded-random.ts';
import { type Product, startProduct, World } from '../model/product.ts';
import { withoutRedis } from '../redis/own-redis.ts';
import { until } from '../until.ts';
import { assertEndedOnce, assertHeldAtMost, assertRefundsFit, heldInOrder } from './ledger-order.ts';

/** RACE_SEEDS=20 npm test -- test/race/two-servers.test.ts makes twenty of each race, with a thousand calls at the limit. */
const ASKED = process.env.RACE_SEEDS;
const SEEDS = Array.from({ length: Number(ASKED ?? 1) }, (_, index) => index + 1);
const CALLS = ASKED ? 1000 : 200;
/** What the receiver may hold: less than the transfers alone would bring it, or the deposits, so that some of each are refused. */
const MOST = 3 * CALLS;
const AMOUNT = 1000;
const FUNDS = 100_000;
/** How many holds are raced for at once, in how many bursts of how many calls each. Its time is over in one of them, or after all. */
const [HOLDS, BURSTS, BURST] = [6, 4, 6];
/** The people of a race. */
const [ANNA, BO] = [0, 1];
/** Longer than a job of the worker, or a hundred claims of one user, takes on a busy machine. */
const WITHIN_MS = 120_000;
const DAY_MS = 24 * 60 * 60_000;
const options = { skip: withoutRedis };

let product: Product;
before(async () => {
  if (!withoutRedis) product = await startProduct();
});
after(() => product?.stop());

/** Two people; a call of theirs goes to the server that did not have the one before, again and again until it is answered. */
async function newWorld(funds: number): Promise<World> {
  const world = new World(product, 2);
  await world.begin(funds);
  return world;
}

async function mustCall(world: World, ...call: Parameters<World['call']>): Promise<Answer> {
  const answer = await world.call(...call);
  assert.equal(answer.status, 0, answer.reason);
  return answer;
}

const refundOrReverse = (world: World, isRefund: boolean, transferId: string, amount: number) => {
  const request = { transfer_id: transferId, amount: won(amount), reason: 'A race' };
  if (isRefund) return world.call(BO, 'wallet.v2.TransferService/RefundTransfer', request);
  const identity = { idempotencyKey: crypto.randomUUID() };
  return product.call('admin.v1.AccountService/ReverseTransfer', request, identity);
};

/**
 * Lets the time of a hold be over now. It waits for the pot's lock, as batches do: one that has read the hold before has committed.
 */
async function endTimeOf(holdId: string): Promise<void> {
  await product.db.query(
    `WITH pot AS MATERIALIZED (
       SELECT a.id FROM accounts a WHERE a.id = (SELECT pot_account_id FROM holds WHERE id = $1) FOR NO KEY UPDATE)
     UPDATE holds h SET expires_at = clock_timestamp() FROM pot
     WHERE h.id = $1 AND h.pot_account_id = pot.id AND h.closed_at IS NULL`,
    [holdId],
  );
}

async function isClosed(holdId: string): Promise<boolean> {
  const text = 'SELECT FROM holds WHERE id = $1 AND closed_at IS NOT NULL';
  return (await product.db.query(text, [holdId])).rowCount === 1;
}

/** Lets captures, voids and the expiry of one hold meet, and holds the ledger and the answers against it. */
async function raceAtHold(world: World, { below }: Random): Promise<void> {
  const made = await mustCall(world, ANNA, 'wallet.v2.HoldService/CreateHold', {
    ...{ wallet_id: world.walletOf(ANNA), credit_user_id: world.idOf(BO), amount: won(AMOUNT) },
  });
  const id = String(made.at('hold', 'hold_id'));
  const captures: bigint[] = [];
  const refusals: { reason: string; asked: bigint }[] = [];
  const capture = async (asked: number, final: boolean) => {
    const request = { hold_id: id, amount: won(asked), final };
    const answer = await world.call(BO, 'wallet.v2.HoldService/CaptureHold', request);
    if (answer.status === 0) captures.push(BigInt(String(answer.at('transfer', 'amount', 'minor_units'))));
    else refusals.push({ reason: answer.reason, asked: BigInt(asked) });
  };
  const giveBack = async () => {
    const by = below(2) === 0 ? ANNA : BO;
    const { status, reason } = await world.call(by, 'wallet.v2.HoldService/VoidHold', { hold_id: id });
    if (status !== 0) refusals.push({ reason, asked: 0n });
  };
  const attempt = () => (below(40) === 0 ? giveBack() : capture(1 + below(300), below(40) === 0));
  const endsIn = below(BURSTS + 1);
  for (let burst = 0; burst < BURSTS; burst++) {
    const calls = Array.from({ length: BURST }, attempt);
    if (burst === endsIn) calls.push(endTimeOf(id));
    await Promise.all(calls);
  }
  if (endsIn === BURSTS) await endTimeOf(id);
  // More calls come until it has ended, so that the worker meets some of them at both servers.
  const late = Array.from({ length: 2 }, () =>
    until(
      'the hold has ended',
      async () => {
        await attempt();
        return isClosed(id);
      },
      WITHIN_MS,
    ),
  );
  await Promise.all(late);

  const shown = await world.read(ANNA, 'wallet.v2.HoldService/GetHold', { hold_id: id });
  await assertEndedOnce(product.db, {
    ...{ id, amount: BigInt(AMOUNT), captures, refusals },
    state: String(shown.at('hold', 'state')).replace('HOLD_STATE_', '').toLowerCase(),
    capturedAmount: BigInt(String(shown.at('hold', 'captured_amount', 'minor_units'))),
  });
}

for (const seed of SEEDS) {
  test(`captures, voids and the expiry of a hold over two servers, seed ${seed}`, options, async () => {
    const world = await newWorld(FUNDS);
    // Some are captured in whole, some are voided and some expire.
    const holds = Array.from({ length: HOLDS }, (_, index) => seededRandom(HOLDS * seed + index));
    await Promise.all(holds.map((random) => raceAtHold(world, random)));
  });

  test(`a hundred refunds of one transfer over two servers, seed ${seed}`, options, async () => {
    const { below } = seededRandom(seed);
    const world = await newWorld(FUNDS);
    const paid = await mustCall(world, ANNA, 'wallet.v2.TransferService/CreateTransfer', {
      debit_wallet_id: world.walletOf(ANNA),
      ...{ credit_user_id: world.idOf(BO), amount: won(AMOUNT) },
    });
    const id = String(paid.at('transfer', 'transfer_id'));
    const answered: number[] = [];
    const refused: number[] = [];
    const refund = async (amount: number) => {
      const { status, reason } = await refundOrReverse(world, below(3) > 0, id, amount);
      if (status !== 0) assert.equal(reason, 'REFUND_EXCEEDS_TRANSFER');
      (status === 0 ? answered : refused).push(amount);
    };
    await Promise.all(Array.from({ length: 100 }, () => refund(1 + below(40))));
    const left = await assertRefundsFit(product.db, { id, amount: AMOUNT, answered, refused });
    // What is left can still be refunded, and then nothing.
    if (left > 0) await refund(left);
    await refund(1);
    assert.equal(await assertRefundsFit(product.db, { id, amount: AMOUNT, answered, refused }), 0);
  });

  test(`a receiver at its holding limit over two servers, seed ${seed}`, options, async () => {
    const world = await newWorld(0);
    const attempts = await attemptsFor(world, seededRandom(seed));
    // The limit comes into force while both servers run batches that know of none.
    const some = CALLS / 10;
    const [early] = await Promise.all([makeAll(attempts.slice(0, some)), limit(world)]);
    const refused = [...early, ...(await makeAll(attempts.slice(some)))];
    const user = Number(world.idOf(BO));
    const race = { user, most: MOST, calls: CALLS, refused };
    const left = await assertHeldAtMost(product.db, race);
    // What is left still fits, and then nothing.
    const last = [...(left > 0 ? [left] : []), 1].map((amount) => depositOf(world, BO, amount));
    for (const attempt of last) refused.push(...(await makeAll([attempt])));
    const calls = CALLS + last.length;
    assert.equal(await assertHeldAtMost(product.db, { ...race, calls }), 0);
  });
}

test('the same with the limit checked before the lock: the receiver holds more', options, async () => {
  const world = await newWorld(0);
  const attempts = await attemptsFor(world, seededRandom(1));
  const user = Number(world.idOf(BO));
  const before = Number((await heldInOrder(product.db, user)).at(-1) ?? 0n);
  const fitting = attempts.filter(({ amount }) => before + amount <= MOST);
  const race = { user, most: MOST, calls: CALLS, refused: await makeAll(fitting) };
  await assert.rejects(assertHeldAtMost(product.db, race), /it held more than it may/);
});

/** One thing that brings the receiver money, and how much. */
interface Attempt {
  readonly amount: number;
  make(): Promise<Answer>;
}

const depositOf = (
  world: World,
  user: number,
  amount: number,
  wallet_id = world.walletOf(user),
): Attempt => ({
  amount,
  make: () => world.call(user, 'wallet.v2.TransferService/Deposit', { wallet_id, amount: won(amount) }),
});

async function limit(world: World): Promise<void> {
  const answer = await product.call(
    'admin.v1.LimitService/PutOverride',
    {
      ...{ user_id: world.idOf(BO), currency_code: 'KRW', kind: 'LIMIT_KIND_HELD', limit: MOST },
      ...{ until: new Date(Date.now() + DAY_MS).toISOString(), reason: 'A race' },
    },
    {},
  );
  assert.equal(answer.status, 0, answer.reason);
}

/** What brings money into two wallets of a receiver. Of ten calls one is a claim, one a capture, one a gift, seven are others. */
async function attemptsFor(world: World, { below }: Random): Promise<Attempt[]> {
  assert.equal((await depositOf(world, ANNA, FUNDS).make()).status, 0);
  const opened = { currency_code: 'KRW', display_name: 'Second' };
  const { body } = await mustCall(world, BO, 'wallet.v2.WalletService/CreateWallet', opened);
  const wallets = [world.walletOf(BO), String((body.wallet as { wallet_id: string }).wallet_id)];
  const from = { wallet_id: world.walletOf(ANNA) };
  const receiver = { credit_user_id: world.idOf(BO) };
  const pick = () => ({ wallet_id: wallets[below(2)] ?? '' });
  const prepare: ((amount: number) => Promise<Attempt> | Attempt)[] = [
    (amount) => depositOf(world, BO, amount, pick().wallet_id),
    (amount) => {
      const sides = { debit_wallet_id: from.wallet_id, credit_wallet_id: pick().wallet_id };
      const request = { ...sides, amount: won(amount) };
      return { amount, make: () => world.call(ANNA, 'wallet.v2.TransferService/CreateTransfer', request) };
    },
    async (amount) => {
      const room = { room_id: world.room };
      const request = { ...from, ...room, amount: won(amount), headcount: 1 };
      const to = pick();
      const made = await mustCall(world, ANNA, 'wallet.v2.SprinkleService/CreateSprinkle', request);
      const claim = { ...room, ...to, token: String(made.at('sprinkle', 'token')) };
      return { amount, make: () => claimFor(world, claim) };
    },
    async (amount) => {
      const request = { ...from, credit_wallet_id: pick().wallet_id, amount: won(amount) };
      const made = await mustCall(world, ANNA, 'wallet.v2.HoldService/CreateHold', request);
      const hold = { hold_id: String(made.at('hold', 'hold_id')) };
      return { amount, make: () => world.call(BO, 'wallet.v2.HoldService/CaptureHold', hold) };
    },
    async (amount) => {
      const request = { ...from, ...receiver, amount: won(amount) };
      const to = pick();
      const made = await mustCall(world, ANNA, 'wallet.v2.GiftService/CreateGift', request);
      const gift = { ...to, gift_id: String(made.at('gift', 'gift_id')) };
      return { amount, make: () => world.call(BO, 'wallet.v2.GiftService/AcceptGift', gift) };
    },
  ];
  return Promise.all(
    Array.from({ length: CALLS }, (_, index) => {
      const kind = index % 10 > 6 ? (index % 10) - 5 : index % 2;
      return (prepare[kind] as (typeof prepare)[number])(1 + below(20));
    }),
  );
}

/** Few tokens of a room are tried by a user at a time, so that nobody can guess them: a claim too many is made again. */
function claimFor(world: World, claim: Json): Promise<Answer> {
  return until(
    'the claim is answered',
    async () => {
      const answer = await world.call(BO, 'wallet.v2.SprinkleService/ClaimSprinkle', claim);
      return answer.reason !== 'TOO_MANY_FAILURES' && answer;
    },
    WITHIN_MS,
  );
}

/** Makes all of them at once; returns the amounts that were refused, and why. */
async function makeAll(attempts: readonly Attempt[]): Promise<{ amount: number; reason: string }[]> {
  const refused: { amount: number; reason: string }[] = [];
  await Promise.all(
    attempts.map(async ({ amount, make }) => {
      const { status, reason } = await make();
      if (status !== 0) refused.push({ amount, reason });
    }),
  );
  return refused;
}
