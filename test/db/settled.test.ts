// Up to when nothing can be added to what happened with a wallet: a transaction that hangs in its COMMIT may have dated a transfer
// more than a minute ago, and holds the wallet's lock.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { findLastChange } from '../../src/db/reads/index.ts';
import { createWalletRepository } from '../../src/repositories/index.ts';
import { makeDatabase, ownerPool, peopleOf, type TestDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';

const ANNA = 6360;
const MINUTE = 60_000_000;

let database: TestDatabase;
let owner: pg.Pool;
let primary: pg.Pool;
let id: string;
before(async () => {
  database = await makeDatabase();
  await peopleOf(database).addUsers([ANNA]);
  owner = ownerPool(database);
  primary = createTestPool(database.appUrl);
  const text = `UPDATE accounts SET updated_at = now() - interval '1 hour' WHERE owner_user_id = $1 RETURNING id`;
  id = (await owner.query(text, [ANNA])).rows[0].id;
});
after(async () => {
  await Promise.all([primary.end(), owner.end()]);
  await database.drop();
});

test('a wallet that nobody changes is settled up to a minute ago, and one that is being changed up to its last change', async () => {
  type Sources = Parameters<typeof createWalletRepository>[0];
  const { settled } = createWalletRepository({ primary } as unknown as Sources);
  const free = await settled(id);
  assert.ok(free);
  assert.equal(free.settled, free.now - MINUTE);
  const hanging = await owner.connect();
  await hanging.query('BEGIN');
  await hanging.query('UPDATE accounts SET display_name = display_name WHERE id = $1', [id]);
  const busy = await settled(id);
  assert.equal(busy?.settled, free.lastChange);
  await hanging.query('COMMIT');
  hanging.release();
  assert.notEqual((await settled(id))?.settled, free.lastChange);
});

test('asking neither waits nor leaves a lock', async () => {
  const asked = await Promise.all(Array.from({ length: 20 }, () => findLastChange(primary, id)));
  // Two that ask at once share the lock.
  assert.deepEqual([...new Set(asked.map((one) => one?.isFree))], [true]);
  await owner.query(`BEGIN; SET LOCAL lock_timeout = '1ms'; SELECT FROM accounts FOR UPDATE; COMMIT`);
});
