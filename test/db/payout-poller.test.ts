// Watched payouts are polled together, and not at all once nobody watches.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { createPayoutPoller } from '../../src/db/payouts/payout-poller.ts';
import type { Reader } from '../../src/db/pool.ts';
import { openPayoutLedger, type PayoutLedger } from '../jobs/payouts.ts';
import { makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';

let database: TestDatabase;
let db: pg.Pool;
let ledger: PayoutLedger;
let polls = 0;
/** The database, and how often it was asked. */
const counted: Reader = {
  query: (statement) => {
    polls += 1;
    return db.query(statement);
  },
};
const forever = () => new AbortController().signal;

before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  ledger = await openPayoutLedger(database, db, 2);
});
after(async () => {
  await ledger.close();
  await db.end();
  await database.drop();
});

test('a hundred who watch three payouts cost one statement for each poll, and each gets its own', async () => {
  const payouts = [await ledger.start(1, 1), await ledger.start(2, 1), await ledger.start(3, 1)];
  const poller = createPayoutPoller(counted);
  const watched = Array.from({ length: 100 }, (_, index) => payouts[index % 3]?.id ?? '');
  for (let round = 1; round <= 3; round++) {
    const found = await Promise.all(watched.map((id) => poller.next(id, forever())));
    assert.deepEqual(
      found.map((payout) => payout?.id),
      watched,
    );
    assert.equal(polls, round);
  }
  assert.equal(await poller.next(crypto.randomUUID(), forever()), undefined);
});

test('a watcher that leaves is released at once, and when all have left nobody polls', async () => {
  const { id } = await ledger.start(1, 1);
  const poller = createPayoutPoller(counted);
  polls = 0;
  const [leaving, staying] = [new AbortController(), new AbortController()];
  const left = assert.rejects(poller.next(id, leaving.signal), /gone/);
  const stays = poller.next(id, staying.signal);
  leaving.abort(new Error('gone'));
  await left;
  assert.equal(polls, 0, 'it waited for the poll');
  assert.equal((await stays)?.id, id, 'who stays is told');
  assert.equal(polls, 1);
  const last = assert.rejects(poller.next(id, staying.signal), /gone/);
  staying.abort(new Error('gone'));
  await last;
  await assert.rejects(poller.next(id, staying.signal), /gone/);
  await sleep(800);
  assert.equal(polls, 1);
  assert.equal((await poller.next(id, forever()))?.id, id, 'and who comes later is told again');
});

test('where a poll fails all of its watchers hear of it, and the next one polls again', async () => {
  const { id } = await ledger.start(1, 1);
  let isAway = true;
  const poller = createPayoutPoller({
    query: (statement) => (isAway ? Promise.reject(new Error('away')) : db.query(statement)),
  });
  const waiting = [1, 2].map(() => assert.rejects(poller.next(id, forever()), /away/));
  await Promise.all(waiting);
  isAway = false;
  assert.equal((await poller.next(id, forever()))?.id, id);
});
