// Claims, the cancellation and the expiry of one sprinkle meet over two servers' ledgers: one of them ends it, what was claimed and
// given back is what was dropped, and every claim follows from the seed, in the order of the ledger itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { verifySprinkle } from '../../clients/typescript/src/verify-sprinkle.ts';
import type { Pool } from '../../src/db/pool.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { DRAW_VERSION, linkOf } from '../../src/domain/fair-draw.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { Sprinkle } from '../../src/domain/sprinkle.ts';
import type { Ledger } from '../../src/ledger/index.ts';
import { createSprinkleRepository } from '../../src/repositories/index.ts';
import { claimSprinkle } from '../../src/usecases/commands/claim-sprinkle.ts';
import {
  type Core,
  cancelSprinkle,
  createSprinkle,
  refundKey,
  refundSprinkle,
} from '../../src/usecases/index.ts';
import { seededRandom } from '../domain/seeded-random.ts';
import { assertBooksBalance, makeDatabase, ownerPool, peopleOf, type TestDatabase } from '../stack.ts';
import { createTestLedger, fundDirectly, krw, TEST_SEEDS, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';

const [ANNA, ...MEMBERS] = Array.from({ length: 13 }, (_, index) => 7501 + index) as [number, ...number[]];
const ROOM = 'sprinkle-race';
const AMOUNT = 10_000n;
const HEADCOUNT = 8;
/** RACE_SEEDS=50 npm test -- test/race/sprinkles.test.ts makes fifty of it, each with other moments. */
const SEEDS = Array.from({ length: Number(process.env.RACE_SEEDS ?? 6) }, (_, index) => index + 1);

let database: TestDatabase;
let db: pg.Pool;
let pools: Pool[];
let ledgers: Ledger[];
let cores: Core[];
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  const people = peopleOf(database);
  await people.addUsers([ANNA, ...MEMBERS]);
  await people.addRoom(ROOM, [ANNA, ...MEMBERS]);
  await fundDirectly(database, [ANNA], 1_000_000);
  pools = [1, 2].map(() => createTestPool(database.appUrl, { maxConnections: 4 }));
  ledgers = pools.map((pool) => createTestLedger(pool, { lanes: 2, maxBatch: 4 }));
  cores = pools.map((primary, index) => {
    const sources = { primary, cache: undefined, readFromReplica: undefined, archive: undefined };
    const sprinkles = createSprinkleRepository(
      sources as unknown as Parameters<typeof createSprinkleRepository>[0],
    );
    return { execute: ledgers[index]?.execute, sprinkles } as unknown as Core;
  });
});
after(async () => {
  for (const ledger of ledgers) await ledger[Symbol.asyncDispose]();
  for (const pool of pools) await pool.end();
  await assertBooksBalance(db).finally(() => db.end());
  await database.drop();
});

const call = systemCall('race');
const newKey = (user: number) => ({ userId: BigInt(user), key: crypto.randomUUID(), fingerprint: '00' });

async function newSprinkle(): Promise<Sprinkle> {
  const intent = {
    ...{ userId: BigInt(ANNA), roomId: ROOM, roomField: 'room', wallet: walletOf(ANNA) },
    ...{ money: krw(AMOUNT), headcount: HEADCOUNT, lifetimeMs: 600_000 },
  };
  const made = await (cores[0] as Core).execute(createSprinkle, intent, newKey(ANNA), call);
  return made.sprinkle;
}

/** Lets its time be over somewhere among the calls. Resolves once it is. */
async function endSoon({ id }: Sprinkle, afterMs: number): Promise<Sprinkle> {
  const { rows } = await db.query(
    `UPDATE sprinkles SET expires_at = clock_timestamp() + $2 * interval '1 millisecond' WHERE id = $1
     RETURNING (extract(epoch FROM expires_at) * 1000000)::bigint AS expires_at`,
    [id, afterMs],
  );
  const isLive = () =>
    db.query('SELECT FROM sprinkles WHERE id = $1 AND expires_at > clock_timestamp()', [id]);
  while ((await isLive()).rowCount);
  const found = await (cores[0] as Core).sprinkles.find(ROOM, id);
  return { ...(found as Sprinkle), expiresAt: Number(rows[0].expires_at) };
}

/** What a call came to: done, or the reason for which it was refused. */
const outcomeOf = (made: Promise<unknown>) =>
  made.then(
    () => 'done',
    (error: unknown) => {
      if (error instanceof Refusal) return error.reason;
      throw error;
    },
  );

/** The proof from the tables: how the ledger says that it happened. */
async function proofOf(id: string) {
  const { rows } = await db.query('SELECT * FROM sprinkles WHERE id = $1', [id]);
  const claims = await db.query(
    `SELECT c.user_id, encode(c.nonce, 'hex') AS nonce, t.amount FROM sprinkle_claims c
     JOIN transfers t ON t.id = c.transfer_id AND t.created_at = c.created_at
     WHERE c.sprinkle_id = $1 ORDER BY t.created_at, t.id`,
    [id],
  );
  const [{ sealed_seed, commitment, share_floor, share_ceiling }] = rows;
  const money = (minor_units: unknown) => ({ currency_code: 'KRW', minor_units: String(minor_units) });
  return {
    ...{ version: DRAW_VERSION, sprinkle_id: id, amount: money(AMOUNT), headcount: HEADCOUNT },
    ...{ mode: 'SPRINKLE_MODE_RANDOM', share_floor: money(share_floor), share_ceiling: money(share_ceiling) },
    commitment: commitment.toString('base64'),
    seed: Buffer.from(TEST_SEEDS.open(id, sealed_seed).hex, 'hex').toString('base64'),
    claims: claims.rows.map(({ user_id, nonce, amount }, index) => ({
      user_id,
      nonce: Buffer.from(nonce ?? '', 'hex').toString('base64'),
      minor_units: amount,
      in_line: nonce === null,
      link: Buffer.from(
        linkOf({ index, userId: BigInt(user_id), nonce: nonce ?? '' }, TEST_SEEDS),
        'hex',
      ).toString('base64'),
    })),
  };
}

for (const seed of SEEDS) {
  test(`claims, cancellations and the expiry of one sprinkle, seed ${seed}`, async () => {
    const random = seededRandom(seed);
    const sprinkle = await newSprinkle();
    const pick = () => cores[random.below(2)] as Core;
    const claims = MEMBERS.map((user) => {
      const nonce = random.uuid().replaceAll('-', '');
      const intent = {
        userId: BigInt(user),
        roomId: ROOM,
        token: sprinkle.token,
        wallet: walletOf(user),
        nonce,
      };
      return () => outcomeOf(pick().execute(claimSprinkle, intent, newKey(user), call));
    });
    const place = { roomId: ROOM, id: sprinkle.id };
    const cancels = [1, 2].map(
      () => () => outcomeOf(cancelSprinkle(pick(), BigInt(ANNA), place, newKey(ANNA), call)),
    );
    const expiry = endSoon(sprinkle, 5 + random.below(60)).then((over) =>
      outcomeOf(pick().execute(refundSprinkle, { sprinkle: over }, refundKey(over), call)),
    );
    // Some claim before anybody cancels.
    const first = claims.splice(0, random.below(HEADCOUNT));
    const outcomes = [
      ...(await Promise.all(first.map((make) => make()))),
      ...(await Promise.all([...claims, ...cancels].map((make) => make()))),
    ];
    assert.equal(await expiry, 'done');
    const known = ['done', 'SPRINKLE_CANCELLED', 'SPRINKLE_EMPTY', 'SPRINKLE_EXPIRED'];
    assert.deepEqual(
      outcomes.filter((outcome) => !known.includes(outcome)),
      [],
    );
    const { rows } = await db.query(
      `SELECT p.balance, s.closed_at IS NOT NULL AS is_closed, s.cancelled_at IS NOT NULL AS is_cancelled, s.claimed_count,
         (SELECT count(*)::int FROM transfers t WHERE t.debit_account_id = p.id AND t.kind = 'refund') AS refunds
       FROM sprinkles s JOIN accounts p ON p.id = s.pot_account_id WHERE s.id = $1`,
      [sprinkle.id],
    );
    const [{ balance, is_closed, is_cancelled, claimed_count, refunds }] = rows;
    assert.deepEqual([balance, is_closed], ['0', true]);
    assert.equal(refunds, claimed_count === HEADCOUNT ? 0 : 1);
    assert.equal(outcomes.slice(-cancels.length).includes('done'), is_cancelled);
    const { problems, claimedCount } = verifySprinkle(await proofOf(sprinkle.id));
    assert.deepEqual([problems, claimedCount], [[], claimed_count]);
  });
}

/** Claims the next share in line, by the statements of the release before, which knows neither seeds nor nonces. */
async function claimAsBefore({ id, potAccountId }: Sprinkle, user: number): Promise<void> {
  await db.query(
    `WITH told AS (
       SELECT gen_random_uuid() AS id, clock_timestamp() AS at, s.claimed_count, s.shares[s.claimed_count + 1] AS share,
         p.balance AS kept, w.id AS wallet, w.balance AS had
       FROM sprinkles s JOIN accounts p ON p.id = s.pot_account_id, accounts w
       WHERE s.id = $1 AND w.owner_user_id = $2 AND w.is_default),
     claimed AS (
       INSERT INTO sprinkle_claims (sprinkle_id, share_index, user_id, amount, transfer_id, created_at)
       SELECT $1, claimed_count, $2, share, id, at FROM told),
     counted AS (UPDATE sprinkles SET claimed_count = claimed_count + 1 WHERE id = $1)
     SELECT post_dated_transfers(ARRAY[id], ARRAY['claim']::transfer_kind[], ARRAY['KRW'], ARRAY[share], ARRAY[$3::uuid],
       ARRAY[wallet], ARRAY[kept - share], ARRAY[had + share], ARRAY[$1::uuid], ARRAY[''], ARRAY[NULL::text], ARRAY[at])
     FROM told`,
    [id, user, potAccountId],
  );
}

test('a claim that the release before made between others is paid as it was, and is the only one that is not proven', async () => {
  const sprinkle = await newSprinkle();
  const [bo = 0, cho = 0, dan = 0] = MEMBERS;
  const claim = (user: number) => {
    const wallet = walletOf(user);
    const intent = { userId: BigInt(user), roomId: ROOM, token: sprinkle.token, wallet, nonce: 'ab' };
    return (cores[0] as Core).execute(claimSprinkle, intent, newKey(user), call);
  };
  await claim(bo);
  await claimAsBefore(sprinkle, cho);
  await claim(dan);
  const { problems, claimedCount } = verifySprinkle(await proofOf(sprinkle.id));
  assert.deepEqual(
    [problems, claimedCount],
    [['claim 2: the share was not picked, but the next one in line'], 3],
  );
  const place = { roomId: ROOM, id: sprinkle.id };
  await cancelSprinkle(cores[1] as Core, BigInt(ANNA), place, newKey(ANNA), call);
});

test('a sprinkle that the release before made is claimed in its order, refunded, and has no proof', async () => {
  const sprinkle = await newSprinkle();
  await db.query(
    `UPDATE sprinkles SET sealed_seed = NULL, commitment = NULL, draw_chain = NULL, share_mode = NULL, share_floor = NULL,
       share_ceiling = NULL WHERE id = $1`,
    [sprinkle.id],
  );
  const { rows } = await db.query('SELECT shares FROM sprinkles WHERE id = $1', [sprinkle.id]);
  const shares = await Promise.all(
    MEMBERS.slice(0, 3).map(async (user, index) => {
      const wallet = walletOf(user);
      const intent = { userId: BigInt(user), roomId: ROOM, token: sprinkle.token, wallet, nonce: 'ab' };
      const posted = await (cores[index % 2] as Core).execute(claimSprinkle, intent, newKey(user), call);
      return String(posted.transfer.amount);
    }),
  );
  assert.deepEqual(shares.toSorted(), rows[0].shares.slice(0, 3).toSorted());
  const over = await endSoon(sprinkle, 1);
  await (cores[0] as Core).execute(refundSprinkle, { sprinkle: over }, refundKey(over), call);
  assert.equal((await cores[0]?.sprinkles.findDraw(ROOM, sprinkle.id))?.sealedSeed, undefined);
});
