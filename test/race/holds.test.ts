// Captures, voids and the expiry of one hold, and accepting, declining, cancelling and the expiry of one gift meet over two
// servers' ledgers: one of them ends it, and what was paid and given back is what was set aside, in the order of the ledger itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import type { Pool } from '../../src/db/pool.ts';
import { type LedgerCommand, systemCall } from '../../src/domain/batch/command.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { Ledger } from '../../src/ledger/index.ts';
import { createHoldRepository } from '../../src/repositories/index.ts';
import {
  acceptGift,
  type Core,
  cancelGift,
  captureHold,
  createGift,
  createHold,
  declineGift,
  expireHold,
  expiryKey,
  getHoldView,
  voidHold,
} from '../../src/usecases/index.ts';
import { seededRandom } from '../domain/seeded-random.ts';
import { assertBooksBalance, makeDatabase, ownerPool, peopleOf, type TestDatabase } from '../stack.ts';
import { createTestLedger, fundDirectly, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';
import { assertEndedOnce, paidOut } from './ledger-order.ts';

const [ANNA, BO] = [7401, 7402];
const AMOUNT = 1000n;
/** HOLD_SEEDS=20 npm test -- test/race/holds.test.ts makes twenty holds and gifts of it, each with other calls. */
const SEEDS = Array.from({ length: Number(process.env.HOLD_SEEDS ?? 4) }, (_, index) => index + 1);

let database: TestDatabase;
let db: pg.Pool;
let pools: Pool[];
let ledgers: Ledger[];
let cores: Core[];
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  await peopleOf(database).addUsers([ANNA, BO]);
  await fundDirectly(database, [ANNA], 1_000_000);
  pools = [1, 2].map(() => createTestPool(database.appUrl, { maxConnections: 4 }));
  ledgers = pools.map((pool) => createTestLedger(pool, { lanes: 2, maxBatch: 4 }));
  cores = pools.map((primary, index) => {
    const core = { execute: ledgers[index]?.execute, holds: createHoldRepository({ primary }) };
    return core as unknown as Core;
  });
});
after(async () => {
  for (const ledger of ledgers) await ledger[Symbol.asyncDispose]();
  for (const pool of pools) await pool.end();
  await assertBooksBalance(db).finally(() => db.end());
  await database.drop();
});

const newKey = (user: number) => ({
  userId: BigInt(user),
  key: crypto.randomUUID(),
  fingerprint: '00',
});
const call = systemCall('race');

async function newHold(): Promise<string> {
  const intent = {
    userId: BigInt(ANNA),
    wallet: walletOf(ANNA),
    to: walletOf(BO),
    money: krw(AMOUNT),
    lifetimeMs: undefined,
    reason: '',
  };
  const { hold } = await (cores[0] as Core).execute(createHold, intent, newKey(ANNA), call);
  return hold.id;
}

/** Lets the time of a hold or gift be over somewhere among the calls. */
async function endSoon(holdId: string, afterMs: number): Promise<void> {
  await db.query(
    `UPDATE holds SET expires_at = clock_timestamp() + $2 * interval '1 millisecond' WHERE id = $1`,
    [holdId, afterMs],
  );
}

/** Resolves once its time is over. */
async function isOver(holdId: string): Promise<void> {
  const isLive = () =>
    db.query('SELECT FROM holds WHERE id = $1 AND expires_at > clock_timestamp()', [holdId]);
  while ((await isLive()).rowCount);
}

for (const seed of SEEDS) {
  test(`captures, voids and the expiry of one hold, seed ${seed}`, async () => {
    const random = seededRandom(seed);
    const holdId = await newHold();
    await endSoon(holdId, 5 + random.below(60));
    const pick = () => cores[random.below(2)] as Core;
    const { hold } = await getHoldView(pick(), BigInt(ANNA), holdId);
    const captures: bigint[] = [];
    const refusals: { reason: string; asked: bigint }[] = [];
    const attempt = async (asked: bigint, work: () => Promise<unknown>) => {
      // Half of them come late, so that the end of its time and its expiry are among them.
      if (random.below(2) === 0) await setTimeout(random.below(60));
      await work().catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error;
        refusals.push({ reason: error.reason, asked });
      });
    };
    const capture = (isFinal: boolean) => {
      const money = krw(1 + random.below(isFinal ? 600 : 200));
      return attempt(money.amount, async () => {
        const input = { money, isFinal, to: undefined };
        const { posted } = await captureHold(pick(), BigInt(BO), holdId, input, newKey(BO), call);
        captures.push(posted.transfer.amount);
      });
    };
    const kinds = [
      () => capture(false),
      () => capture(random.below(4) === 0),
      () =>
        attempt(0n, () =>
          voidHold(pick(), BigInt(random.below(2) === 0 ? ANNA : BO), holdId, newKey(ANNA), call),
        ),
    ];
    const calls = Array.from({ length: 24 }, () =>
      (kinds[random.below(random.below(5) === 0 ? 3 : 2)] as () => Promise<unknown>)(),
    );
    // The worker's runs may come twice, and at once.
    const expire = () => pick().execute(expireHold, { hold }, expiryKey(hold), call);
    const expiry = isOver(holdId).then(() => Promise.all([expire(), expire()]));
    await Promise.all([...calls, expiry]);

    const { state, capturedAmount } = (await getHoldView(pick(), BigInt(ANNA), holdId)).hold;
    const ended = { id: holdId, amount: AMOUNT, state, capturedAmount, captures, refusals };
    await assertEndedOnce(db, ended);
  });
}

for (const seed of SEEDS) {
  test(`accepting, declining, cancelling and the expiry of one gift, seed ${seed}`, async () => {
    const random = seededRandom(seed);
    const pick = () => cores[random.below(2)] as Core;
    const intent = {
      userId: BigInt(ANNA),
      wallet: walletOf(ANNA),
      to: walletOf(BO),
      money: krw(AMOUNT),
      lifetimeMs: undefined,
      message: '',
    };
    const giftId = (await pick().execute(createGift, intent, newKey(ANNA), call)).hold.id;
    await endSoon(giftId, random.below(40));
    const { hold } = await getHoldView(pick(), BigInt(ANNA), giftId, 'gift');
    const done: string[] = [];
    const refusals: string[] = [];
    const attempt = (state: string, work: () => Promise<unknown>) =>
      work().then(
        () => done.push(state),
        (error: unknown) => {
          if (!(error instanceof Refusal)) throw error;
          refusals.push(error.reason);
        },
      );
    const kinds = [
      () => attempt('captured', () => acceptGift(pick(), BigInt(BO), giftId, walletOf(BO), newKey(BO), call)),
      () => attempt('declined', () => declineGift(pick(), BigInt(BO), giftId, newKey(BO), call)),
      () => attempt('voided', () => cancelGift(pick(), BigInt(ANNA), giftId, newKey(ANNA), call)),
    ];
    const calls = Array.from({ length: 16 }, async () => {
      // Half of them come late, so that the expiry is among them.
      if (random.below(2) === 0) await setTimeout(random.below(40));
      return (kinds[random.below(3)] as () => Promise<unknown>)();
    });
    const expiry = isOver(giftId).then(async () => {
      const expire = () => pick().execute(expireHold, { hold }, expiryKey(hold), call);
      await Promise.all([expire(), expire()]);
    });
    await Promise.all([...calls, expiry]);

    const ended = (await getHoldView(pick(), BigInt(ANNA), giftId, 'gift')).hold;
    assert.deepEqual(done.length === 0 ? ['expired'] : done, [ended.state], 'one of all ends it');
    const [only, ...more] = await paidOut(db, giftId);
    assert.deepEqual(more, []);
    const kind = ended.state === 'captured' ? 'gift_accept' : 'gift_return';
    assert.deepEqual(only, { kind, amount: AMOUNT, left: 0n, isLive: ended.state !== 'expired' });
    assert.equal(refusals.length + done.length, 16);
    for (const reason of refusals) assert.match(reason, /^GIFT_(?:ACCEPTED|DECLINED|CANCELLED|EXPIRED)$/);
  });
}

test('negative control: a capture that is decided by what was read before the lock takes more than is left', async () => {
  const holdId = await newHold();
  const { hold } = await getHoldView(cores[0] as Core, BigInt(ANNA), holdId);
  // The same, but for what it goes by.
  const blind: LedgerCommand<bigint, boolean> = {
    readSet: () => ({ accountIds: [hold.potAccountId, hold.walletId, hold.receiver?.walletId ?? ''] }),
    decide(amount, batch) {
      assert.ok(amount <= hold.amount - hold.capturedAmount, 'as it was read');
      const debit = batch.accounts.get(hold.potAccountId);
      const credit = batch.accounts.get(hold.receiver?.walletId ?? '');
      batch.transfers.post({ kind: 'capture', debit, credit, amount });
      return true;
    },
  };
  const results = await Promise.allSettled(
    ledgers.map((ledger) => ledger.execute(blind, 600n, newKey(BO), call)),
  );
  // No more than there is can leave the pot, whatever decides; but the caller is told something else than what is so.
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.reason] : []));
  assert.deepEqual(refused, ['BALANCE_TOO_LOW']);
  // Without the hold's own row the books do not agree, which is found.
  await assert.rejects(assertBooksBalance(db), /a pot does not match its hold/);
  await db.query('UPDATE holds SET captured_amount = 600 WHERE id = $1', [holdId]);
});
