// What the feed tells of transfers and announcements, and the cursors with which readers go on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Event } from '../../gen/ts/wallet/v2/event.ts';
import { readAnnouncements, readEntries } from '../../src/db/feed/entries.ts';
import { toEvent } from '../../src/db/feed/events.ts';
import {
  announceExpiringKeys,
  checkPlace,
  leafOf,
  readFeedEnd,
  readSealedTransfers,
  sealFeed,
} from '../../src/db/feed/index.ts';
import type { Pool } from '../../src/db/pool.ts';
import { toCloudEvent } from '../../src/domain/cloud-event.ts';
import { cursorOf, placeOf } from '../../src/domain/event.ts';
import { toWireEvent } from '../../src/grpc/v2/event.ts';
import { type Stack, startStack } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';

const [ANNA, BORA] = [7401, 7402];

let stack: Stack;
let app: Pool;
let worker: Pool;

before(async () => {
  stack = await startStack();
  app = createTestPool(stack.database.appUrl);
  worker = createTestPool(stack.database.workerUrl);
  await stack.addUsers([ANNA, BORA]);
  await stack.fund([ANNA, BORA], 10_000);
  await stack.addRoom('feed-room', [ANNA, BORA]);
});
after(async () => {
  await worker.end();
  await app.end();
  await stack.stop();
});

test('transfers are read by their numbers and found by their ids', async () => {
  await sealFeed(worker);
  const places = { reads: app, archive: undefined };
  const end = await readFeedEnd(app);
  const entries = await readEntries(places, 0n, 100);
  assert.equal(BigInt(entries.length), end.sequence);
  const { rows } = await stack.db.query<{ id: string }>('SELECT id FROM transfers ORDER BY created_at, id');
  const sealed = await readSealedTransfers(places, 0n, 100);
  assert.deepEqual(
    sealed.map(({ id, leaf, transfer }) => [id, leaf, transfer?.id]),
    rows.map(({ id }, leaf) => [id, BigInt(leaf), id]),
  );
  for (const { id, leaf } of sealed) assert.equal(await leafOf(places, id), leaf);
  assert.deepEqual(await readSealedTransfers(places, 1n, 1), sealed.slice(1, 2));
  assert.deepEqual(await readEntries(places, 1n, 1), entries.slice(1, 2));
  assert.equal(await leafOf(places, crypto.randomUUID()), undefined);
  const [first] = entries.map((entry) => toEvent(end.epoch, entry));
  assert.equal(first?.type, 'transfer.posted');
  assert.deepEqual(first?.userIds, [BigInt(ANNA)]);
});

test('a place is live as long as its entry is the one that was read', async () => {
  const end = await readFeedEnd(app);
  const [entry] = await readEntries({ reads: app, archive: undefined }, 0n, 1);
  assert.ok(entry);
  const place = placeOf(toEvent(end.epoch, entry).cursor, 'after_cursor');
  assert.equal(cursorOf(place), toEvent(end.epoch, entry).cursor);
  const stateOf = (change: Partial<typeof place>) => checkPlace(app, end, { ...place, ...change });
  assert.equal(await stateOf({}), 'live');
  assert.equal(await stateOf({ epoch: '0123456789abcdef' }), 'restarted');
  assert.equal(await stateOf({ sequence: end.sequence + 1n }), 'restarted');
  assert.equal(await stateOf({ check: place.check === 'ffffffff' ? '00000000' : 'ffffffff' }), 'restarted');
  assert.equal(await checkPlace(app, { ...end, purgedThrough: place.sequence + 1n }, place), 'expired');
});

test('what happens besides transfers is announced in the transaction that did it', async () => {
  const before = (await readFeedEnd(app)).sequence;
  const anna = stack.as(ANNA);
  const wallet = await anna.defaultWallet();
  await stack.db.query(
    `SELECT freeze_wallets($1, NULL, 'out', now() + interval '1 hour', 'case 1', 'a test', 'key')`,
    [wallet],
  );
  await stack.db.query(`SELECT lift_freeze($1, NULL, 'case 1', 'key')`, [wallet]);
  await sealFeed(worker);
  const told = await readAnnouncements({ reads: app, archive: undefined }, before, 100);
  assert.deepEqual(
    told.map(({ announcement }) => announcement?.type),
    ['wallet.frozen', 'wallet.unfrozen'],
  );
  assert.deepEqual(told[0]?.announcement?.userIds, [BigInt(ANNA)]);
  assert.equal(JSON.stringify(told[0]?.announcement?.facts).includes('case 1'), false);
});

test('a key that expires soon is announced once, unless another one replaces it', async () => {
  const before = (await readFeedEnd(app)).sequence;
  const key = (id: string, replaces: string | null) =>
    stack.db.query(
      `INSERT INTO api_keys (id, display_name, kind, public_key, scopes, active_from, expires_at, replaces_id)
       VALUES ($1, 'a test', 'ed25519', 'none', '{read}', now(), now() + interval '13 days', $2)`,
      [id, replaces],
    );
  await key('ppk_live_old', null);
  await key('ppk_live_new', 'ppk_live_old');
  assert.equal(await announceExpiringKeys(worker), 1);
  assert.equal(await announceExpiringKeys(worker), 0);
  await sealFeed(worker);
  const told = await readAnnouncements({ reads: app, archive: undefined }, before, 100);
  assert.deepEqual(
    told.map(({ announcement }) => announcement?.subject),
    ['api-keys/ppk_live_new'],
  );
});

test('a page that lacks deleted announcements is filled, and does not pass for the last one', async () => {
  const before = (await readFeedEnd(app)).sequence;
  await stack.db.query(
    `INSERT INTO announcements (occurred_at, type, subject, user_ids, data)
     VALUES (now() - interval '32 days', 'wallet.closed', 'wallets/deleted', '{}', '{}')`,
  );
  for (const subject of ['loans/1', 'loans/2', 'loans/3'])
    await stack.db.query('SELECT announce($1, $2, $3, $4)', ['loan.repaid', subject, [ANNA], {}]);
  await sealFeed(worker);
  // Its seal was late: it is not among what is purged by its sequence.
  await stack.db.query(`DELETE FROM announcements WHERE subject = 'wallets/deleted'`);
  for (const read of [readEntries, readAnnouncements]) {
    const told = await read({ reads: app, archive: undefined }, before, 2);
    assert.deepEqual(
      told.map(({ announcement }) => announcement?.subject),
      ['loans/1', 'loans/2'],
    );
  }
});

test('what a later release announces is told without its data, and stops nobody', async () => {
  const before = (await readFeedEnd(app)).sequence;
  for (const type of ['wallet.merged', 'loan.repaid', 'constructor.called'])
    await stack.db.query('SELECT announce($1, $2, $3, $4)', [type, 'loans/1', [ANNA], { loan_id: '1' }]);
  await sealFeed(worker);
  const { epoch } = await readFeedEnd(app);
  const told = (await readEntries({ reads: app, archive: undefined }, before, 100)).map((entry) => {
    const event = toEvent(epoch, entry);
    const { type, schemaVersion, data } = Event.decode(Event.encode(toWireEvent(event)).finish());
    return [type, schemaVersion, data?.$case, toCloudEvent(event).type];
  });
  assert.deepEqual(told, [
    ['wallet.merged', 1, 'wallet', 'wallet.merged'],
    ['loan.repaid', 1, undefined, 'loan.repaid'],
    ['constructor.called', 1, undefined, 'constructor.called'],
  ]);
});
