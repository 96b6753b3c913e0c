// Moments as Postgres reads them: to the microsecond, before 1970 too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestamptz } from '../../src/db/sql.ts';

const ROWS: readonly (readonly [number, string])[] = [
  [0, '1970-01-01T00:00:00.000000Z'],
  [1_790_000_000_123_456, '2026-09-21T14:13:20.123456Z'],
  [-1, '1969-12-31T23:59:59.999999Z'],
  [-1000, '1969-12-31T23:59:59.999000Z'],
];

for (const [moment, text] of ROWS)
  test(`${moment} is ${text}`, () => assert.equal(timestamptz(moment), text));
