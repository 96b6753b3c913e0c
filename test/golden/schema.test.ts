// The schema that the migrations make is the one that was reviewed: golden/schema.txt.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { makeDatabase, ownerPool } from '../stack.ts';
import { printSchema } from './print-schema.ts';

const GOLDEN = new URL('./schema.txt', import.meta.url);

test('the schema is the reviewed one (UPDATE_GOLDEN=1 npm test -- test/golden/schema.test.ts writes it again)', async () => {
  const database = await makeDatabase();
  const db = ownerPool(database);
  try {
    const printed = await printSchema(db);
    if (process.env.UPDATE_GOLDEN) writeFileSync(GOLDEN, printed);
    // Line by line, so that a difference is shown and not two whole schemas.
    assert.deepEqual(printed.split('\n'), readFileSync(GOLDEN, 'utf8').split('\n'));

    await db.query('ALTER TABLE accounts DROP CONSTRAINT accounts_balance_within_limit');
    assert.notEqual(await printSchema(db), printed, 'a lost constraint would not be noticed');
  } finally {
    await db.end();
    await database.drop();
  }
});
