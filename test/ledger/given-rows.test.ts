// Rows as parameters of statements: Postgres reads what was given, whatever characters it has.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type pg from 'pg';
import { givenRows, reading } from '../../src/ledger/given-rows.ts';
import { makeDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';

let db: pg.Pool;
let client: pg.PoolClient;
before(async () => {
  db = createTestPool((await makeDatabase()).ownerUrl);
  client = await db.connect();
});
after(async () => {
  client.release();
  await db.end();
});

interface Given {
  readonly text: string | undefined;
  readonly amount: bigint | undefined;
  readonly isOpen: boolean | undefined;
  readonly bytes: string | undefined;
  readonly list: readonly bigint[] | undefined;
  readonly labels: readonly string[];
  readonly outcome: { readonly text: string };
  readonly moment: number | undefined;
}

const GIVEN = givenRows<Given>('given', {
  text: ['text', ({ text }) => text],
  amount: ['bigint', ({ amount }) => amount],
  is_open: ['boolean', ({ isOpen }) => isOpen],
  bytes: ['bytea', ({ bytes }) => bytes],
  list: ['bigint[]', ({ list }) => list && `{${list}}`],
  labels: ['json', ({ labels }) => JSON.stringify(labels)],
  outcome: ['json element', ({ outcome }) => JSON.stringify(outcome)],
  moment: ['timestamptz', ({ moment }) => moment],
});

const readBack = reading<Given, Record<string, unknown>>(
  'read-back',
  GIVEN,
  (given) => `
  SELECT text, amount, is_open, encode(bytes, 'hex') AS bytes, list::bigint[]::text[] AS list, labels, outcome,
    (extract(epoch FROM moment) * 1000000)::bigint AS moment FROM ${given}`,
);

/** Postgres has no character 0 and no halves of characters. */
const texts = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '').toWellFormed());
const bigints = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const rows = fc.array(
  fc.record<Given>({
    text: maybe(fc.oneof(texts, fc.constantFrom('', 'NULL', '{}', '"', '\\', '\\"', '","', "'", '$1'))),
    amount: maybe(bigints),
    isOpen: maybe(fc.boolean()),
    bytes: maybe(fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('hex'))),
    list: maybe(fc.array(bigints)),
    labels: fc.array(fc.oneof(texts, fc.constantFrom('\\', '\\"'))),
    outcome: fc.record({ text: texts }, { noNullPrototype: true }),
    moment: maybe(fc.integer({ min: -(10 ** 15), max: 2 * 10 ** 15 })),
  }),
  { minLength: 1 },
);

test('Postgres reads the rows that are given, in their order', async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (given) => {
      assert.deepEqual(
        await readBack(client, given),
        given.map(({ text, amount, isOpen, bytes, list, labels, outcome, moment }) => ({
          text: text ?? null,
          amount: amount?.toString() ?? null,
          is_open: isOpen ?? null,
          bytes: bytes ?? null,
          list: list?.map(String) ?? null,
          labels,
          outcome,
          moment: moment?.toString() ?? null,
        })),
      );
    }),
    { numRuns: 200 },
  );
});

test('nothing is sent where there are no rows', async () => {
  const nobody = { query: () => assert.fail('a statement was sent') } as unknown as pg.PoolClient;
  assert.deepEqual(await readBack(nobody, []), []);
});
