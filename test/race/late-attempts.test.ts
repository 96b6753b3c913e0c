// A refusal is definite: whatever held an earlier attempt under its key up, it does not post once its retry was refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { CallInfo, Execute, LedgerCommand } from '../../src/domain/batch/command.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { deposit } from '../../src/usecases/commands/deposit.ts';
import { assertBooksBalance, makeDatabase, ownerPool, peopleOf, type TestDatabase } from '../stack.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { createTestLedger, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';
import { until, untilLocked } from '../until.ts';

/** Nothing here takes so long; a statement that never comes must not hold up everything else. */
const OPTIONS = { timeout: 60_000 };
const [PAYER, PAYEE] = [6201, 6202];
const PRICE = 100n;
/** Postgres ends what is held up in the middle of a transaction after so long, and with it its locks. */
const TIMEOUT_MS = 1500;
let database: TestDatabase;
let db: pg.Pool;
const ends: (() => unknown)[] = [];
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  await peopleOf(database).addUsers([PAYER, PAYEE]);
  await db.query('SELECT open_transfer_months(1)');
});
after(async () => {
  await Promise.allSettled(ends.map((end) => end()));
  await assertBooksBalance(db).finally(() => db.end());
  await database.drop();
});

/** A ledger of its own, as another process would have one. */
function open(url = database.appUrl, change = (pool: pg.Pool) => pool): Execute {
  const pool = createTestPool(url, { maxConnections: 1, statementTimeoutMs: TIMEOUT_MS });
  ends.push(() => pool.end());
  return createTestLedger(change(pool)).execute;
}

const userId = BigInt(PAYER);
const price = { userId, from: walletOf(PAYER), to: walletOf(PAYEE), money: krw(PRICE), memo: '' };
const named = (key: string) => ({ userId, key, fingerprint: 'f0' });

/** An attempt that is made now, signed so many seconds after the first one. */
const attempt = (later: number): CallInfo => ({
  ...systemCall('test'),
  made: { signedAt: 1_790_000_000 + later, receivedAt: performance.now() },
});
type Outcome = 'posted' | string;
const pay = (execute: Execute, key: string, info: CallInfo): Promise<Outcome> =>
  execute(createTransfer, price, named(key), info).then(
    () => 'posted',
    (error: unknown) => (error instanceof Refusal ? error.reason : String(error)),
  );
const fund = (execute: Execute) =>
  execute(
    deposit,
    { userId, wallet: walletOf(PAYER), money: krw(PRICE), memo: '' },
    named(crypto.randomUUID()),
    systemCall('fund'),
  );
const balance = async () =>
  BigInt((await db.query('SELECT balance FROM accounts WHERE owner_user_id = $1', [PAYER])).rows[0].balance);
/** Leaves the payer with nothing. */
async function empty(execute: Execute): Promise<void> {
  while ((await balance()) > 0n) await pay(execute, crypto.randomUUID(), attempt(0));
}

test(
  'an attempt that a stalled line holds up does not post after its retry was refused',
  OPTIONS,
  async () => {
    const direct = open();
    await empty(direct);
    const proxy = await startTcpProxy(Number(new URL(database.appUrl).port));
    ends.push(proxy.close);
    const stalled = open(Object.assign(new URL(database.appUrl), { host: `127.0.0.1:${proxy.port}` }).href);
    await pay(stalled, crypto.randomUUID(), attempt(0));
    const held = proxy.hold();
    const first = pay(stalled, 'stalled', attempt(0));
    await held;
    assert.equal(await pay(direct, 'stalled', attempt(1)), 'BALANCE_TOO_LOW');
    await fund(direct);
    proxy.release();
    assert.notEqual(await first, 'posted');
    assert.equal(await balance(), PRICE);
    // An honest retry is not turned away, and takes the place of the mark.
    assert.equal(await pay(direct, 'stalled', attempt(2)), 'posted');
    assert.equal(await pay(direct, 'stalled', attempt(0)), 'posted', 'the answer is kept, for any attempt');
  },
);

/** A pool whose statements are each sent, in their order, only after what is waited for before them. */
const holding = (inner: pg.Pool, before: () => Promise<unknown> | undefined): pg.Pool =>
  new Proxy(inner, {
    get(target, name) {
      if (name !== 'connect') return Reflect.get(target, name);
      return async () => {
        const client = await target.connect();
        let queue: Promise<unknown> = Promise.resolve();
        const query = (statement: string) => {
          queue = queue.then(before);
          return queue.then(() => client.query(statement));
        };
        return new Proxy(client, {
          get: (own, key) => {
            if (key === 'query') return query;
            const value = Reflect.get(own, key);
            return typeof value === 'function' ? value.bind(own) : value;
          },
        });
      };
    },
  });

/** A pool whose n-th statement is not sent before it is released; `paused` is called then. */
const pausing = (at: number, paused: () => void, released: Promise<void>) => {
  let count = 0;
  return (inner: pg.Pool) =>
    holding(inner, () => {
      count += 1;
      if (count !== at) return undefined;
      paused();
      return released;
    });
};

/** BEGIN, lock, read, post, insert, COMMIT. */
const STATEMENTS = 6;

/** Pauses the first attempt before its n-th statement and makes the second; what both were told, and what was paid. */
async function race(
  at: number,
  made: (later: number) => CallInfo,
): Promise<{ first: Outcome; second: Outcome }> {
  const direct = open();
  const key = crypto.randomUUID();
  await empty(direct);
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let first: Promise<Outcome> = Promise.resolve('');
  await new Promise<void>((paused) => {
    // What the first attempt finds when it gets that far: enough, where it looks before its retry, and nothing where after.
    const start = at > 2 ? fund(direct) : Promise.resolve();
    void start.then(() => {
      first = pay(open(database.appUrl, pausing(at, paused, released)), key, made(0));
    });
  });
  // Another payment takes what the first attempt has not locked.
  const second = await pay(direct, key, made(1));
  if (second === 'BALANCE_TOO_LOW') await fund(direct);
  release();
  return { first: await first, second };
}

for (let at = 1; at <= STATEMENTS; at++) {
  test(
    `paused before statement ${at} of ${STATEMENTS}, the first attempt never posts beside a refusal of its retry`,
    OPTIONS,
    async () => {
      const { first, second } = await race(at, attempt);
      const before = await balance();
      if (second === 'BALANCE_TOO_LOW') {
        assert.notEqual(first, 'posted');
        assert.equal(before, PRICE);
      }
      if (at <= 2) assert.deepEqual([first, second], ['ATTEMPT_SUPERSEDED', 'BALANCE_TOO_LOW']);
    },
  );
}

test('negative control: attempts that leave and heed no marks post after the refusal', OPTIONS, async () => {
  const { first, second } = await race(2, () => systemCall('test'));
  assert.deepEqual([first, second], ['posted', 'BALANCE_TOO_LOW']);
});

/** Starts an attempt that can pay and pauses before its n-th statement; lets it go on. */
async function pausedAttempt(
  at: number,
  key: string,
): Promise<{ first: Promise<Outcome>; release: () => void }> {
  const direct = open();
  await empty(direct);
  await fund(direct);
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let first: Promise<Outcome> = Promise.resolve('');
  await new Promise<void>((paused) => {
    first = pay(open(database.appUrl, pausing(at, paused, released)), key, attempt(0));
  });
  return { first, release };
}

/** A refusal that needs none of the locks that the first attempt may hold. */
const outOfHand: LedgerCommand<typeof price, never> = {
  readSet: () => ({}),
  decide: () => {
    throw new Refusal('SPRINKLE_NOT_FOUND');
  },
};

test(
  'an attempt that read before the refusal mark and writes after it conflicts with it',
  OPTIONS,
  async () => {
    const { first, release } = await pausedAttempt(4, 'read-before');
    await assert.rejects(
      open()(outOfHand, price, named('read-before'), attempt(1)),
      (error) => error instanceof Refusal && error.reason === 'SPRINKLE_NOT_FOUND',
    );
    release();
    assert.equal(await first, 'ATTEMPT_SUPERSEDED');
    assert.equal(await balance(), PRICE);
  },
);

test(
  'a refusal waits for an answer that is being written under its key, and then gives it',
  OPTIONS,
  async () => {
    const { first, release } = await pausedAttempt(STATEMENTS, 'being-written');
    // COMMIT is held back as soon as the answer is sent to be written. Only once it is there has the second one to wait.
    await until('the answer is written', async () => {
      const { rowCount } = await db.query(`SELECT FROM pg_stat_activity WHERE datname = current_database()
        AND state = 'idle in transaction' AND query LIKE '%INSERT INTO idempotency_keys%'`);
      return rowCount === 1;
    });
    const second = open()(outOfHand, price, named('being-written'), attempt(1));
    await untilLocked(db, 1, 'INSERT INTO idempotency_keys');
    release();
    assert.equal(await first, 'posted');
    assert.ok(await second);
  },
);

test('a call whose deadline passes while it waits for locks moves nothing', OPTIONS, async () => {
  const direct = open();
  await empty(direct);
  await fund(direct);
  const holder = await db.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM accounts WHERE owner_user_id = $1 FOR UPDATE', [PAYER]);
  const deadlineMs = Date.now() + 800;
  const late = pay(direct, 'late', { ...attempt(0), deadlineMs });
  // pg_stat_activity shows the first kilobyte of a statement, and the lock's own words come after that.
  await untilLocked(db, 1, 'FROM accounts a');
  while (Date.now() <= deadlineMs) await sleep(10);
  await holder.query('COMMIT');
  holder.release();
  assert.equal(await late, 'DEADLINE_EXCEEDED');
  assert.equal(await balance(), PRICE);
});

test('an attempt seems older for what it took to hear of the clock, and never younger', OPTIONS, async () => {
  const direct = open();
  await empty(direct);
  assert.equal(await pay(direct, 'clock', attempt(0)), 'BALANCE_TOO_LOW');
  await fund(direct);
  // Signed later, but received before the refusal: a caller's clock that is wrong does not help it.
  const early = { ...attempt(9), made: { signedAt: 1_790_000_009, receivedAt: performance.now() - 60_000 } };
  assert.equal(await pay(direct, 'clock', early), 'ATTEMPT_SUPERSEDED');
  // Received later, but signed in the same second: which came first cannot be known.
  assert.equal(await pay(direct, 'clock', attempt(0)), 'ATTEMPT_SUPERSEDED');
  assert.equal(await pay(direct, 'clock', attempt(1)), 'posted');
});

/** A pool whose statements, in their order, each wait for a random while before they are sent. */
const delaying = (inner: pg.Pool): pg.Pool =>
  holding(inner, () => sleep(Math.random() < 0.15 ? 60 * Math.random() : 0));

/**
 * Attempts under many keys, four each, through three ledgers in which statements are held up, while money comes in now and
 * then. Under how many keys one posted although a later one had been refused.
 */
async function violations(made: (later: number) => CallInfo): Promise<number> {
  const [direct, ledgers] = [open(), [1, 2, 3].map(() => open(database.appUrl, delaying))];
  await empty(direct);
  const round = crypto.randomUUID();
  const told: Promise<{ key: string; order: number; by: number | undefined; reason: string }>[] = [];
  for (let order = 0; order < 240; order++) {
    const key = `${round}-${Math.floor(order / 4)}`;
    // Who gets an answer is told by its memo which attempt it was that posted.
    const call = (ledgers[order % 3] ?? direct)(
      createTransfer,
      { ...price, memo: `${order}` },
      named(key),
      made(order),
    );
    told.push(
      call.then(
        (posted) => ({ key, order, by: Number(posted.transfer.memo), reason: '' }),
        (error: unknown) => ({
          key,
          order,
          by: undefined,
          reason: error instanceof Refusal ? error.reason : String(error),
        }),
      ),
    );
    await sleep(5 * Math.random());
    if (order % 6 === 0) await fund(direct);
  }
  const all = await Promise.all(told);
  const posters = new Map(all.flatMap(({ key, by }) => (by === undefined ? [] : [[key, by] as const])));
  assert.ok(
    posters.size > 0 && all.some(({ reason }) => reason === 'BALANCE_TOO_LOW'),
    'nothing was put to the test',
  );
  const refusedLater = all.filter(
    ({ key, order, reason }) => reason === 'BALANCE_TOO_LOW' && order > (posters.get(key) ?? Infinity),
  );
  return new Set(refusedLater.map(({ key }) => key)).size;
}

test('held up at random, no attempt posts beside the refusal of a later one', OPTIONS, async () => {
  assert.equal(await violations(attempt), 0);
});

test('negative control: the same without marks sees attempts that do', OPTIONS, async () => {
  let count = 0;
  for (let round = 0; count === 0 && round < 10; round++) count = await violations(() => systemCall('test'));
  assert.ok(count > 0, 'marks were not what kept them from it');
});
