// The database itself moves no money that is frozen, whichever server asks: the same is refused as in the domain, for every kind of
// movement.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import type { AccountKind } from '../../src/domain/account.ts';
import type { Restriction } from '../../src/domain/restriction.ts';
import { TRANSFER_KINDS } from '../../src/domain/transfer.ts';
import { ENDS, frozen, NONE, PAYER, type Restrictions, refusalOf } from '../domain/restricted-movements.ts';
import { makeDatabase, peopleOf, type TestDatabase } from '../stack.ts';

const ANNA = 6340;
const BO = 6341;
const CHECK = '23514';
const ONE = '00000000-0000-4000-8000-000000000001';
const OTHER = '00000000-0000-4000-8000-000000000002';
/** Two that nothing restricts. */
const FREE = ['00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000004'] as const;

let database: TestDatabase;
let client: pg.Client;
before(async () => {
  database = await makeDatabase();
  await peopleOf(database).addUsers([ANNA, BO]);
  client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  await client.query('SELECT open_transfer_months(1)');
  await client.query('BEGIN');
});
after(async () => {
  await client.end();
  await database.drop();
});

type Pair = readonly [debit: string, credit: string];

const list = (values: readonly string[]) => `ARRAY[${values.join(', ')}]`;

/** Posts one for each of these pairs of accounts, of which each has 100. */
function post(name: string, kind: string, pairs: readonly Pair[], more: string): string {
  const each = (text: string) => list(pairs.map(() => text));
  return `SELECT ${name}(${each('gen_random_uuid()')}, ${each(`'${kind}'::transfer_kind`)}, ${each(`'KRW'`)},
    ${each('10')}::bigint[], ${list(pairs.map(([debit]) => `'${debit}'`))}::uuid[],
    ${list(pairs.map(([, credit]) => `'${credit}'`))}::uuid[], ${each('90')}::bigint[], ${each('110')}::bigint[],
    ${each('NULL')}::uuid[], ${each(`''`)}, ${each('NULL')}::text[], ${each('clock_timestamp()')}${more})`;
}

/** How servers of this release and of the one before post. */
const POSTS = {
  'this release': (kind: string, pairs: readonly Pair[]) =>
    post('post_transfers', kind, pairs, ', NULL, NULL'),
  'this release, with limits': (kind: string, pairs: readonly Pair[]) =>
    post('post_transfers', kind, pairs, `, ARRAY['0:0:1:1:1:1:1:0'], NULL`),
  'the release before': (kind: string, pairs: readonly Pair[]) =>
    post('post_dated_transfers', kind, pairs, ''),
} as const;

const open = (id: string, kind: AccountKind, owner: number) => `
  INSERT INTO accounts (id, kind, currency, owner_user_id, stripe, balance, created_at) VALUES ('${id}', '${kind}', 'KRW',
    ${kind === 'wallet' ? owner : 'NULL'}, ${kind === 'external' ? 99 : 'NULL'}, 100, now())`;

const moment = (micros: number | undefined) =>
  micros === undefined ? 'NULL' : `to_timestamp(${micros} / 1000000.0)`;

const restrict = (id: string, restriction: Restriction = NONE) => `
  UPDATE accounts SET closed_at = ${moment(restriction.closedAt)},
    frozen_out_until = ${moment(restriction.frozenOutUntil)}, frozen_in_until = ${moment(restriction.frozenInUntil)},
    user_frozen_out_until = ${moment(restriction.userFrozenOutUntil)},
    user_frozen_in_until = ${moment(restriction.userFrozenInUntil)} WHERE id = '${id}' AND kind = 'wallet'`;

/** Whether the database makes a movement as the servers' login; what it changes is undone. */
async function isMade(setUp: readonly string[], call: string): Promise<boolean> {
  await client.query('SAVEPOINT here');
  try {
    for (const statement of setUp) await client.query(statement);
    await client.query('SET LOCAL ROLE ppuri_app');
    await client.query(call);
    return true;
  } catch (error) {
    assert.equal((error as pg.DatabaseError).code, CHECK, String(error));
    assert.match(String(error), /frozen or closed/);
    return false;
  } finally {
    await client.query('ROLLBACK TO here');
  }
}

const CASES: readonly Restrictions[] = [
  [undefined, undefined],
  ...(['', 'user'] as const).flatMap((whose): Restrictions[] => [
    [frozen('Out', whose), frozen('Out', whose)],
    [frozen('In', whose), undefined],
    [undefined, frozen('In', whose)],
  ]),
  [{ ...NONE, closedAt: 5 }, undefined],
  [undefined, { ...NONE, closedAt: 5 }],
  // Over since 1970.
  [frozen('Out', '', 5), frozen('In', 'user', 5)],
];

for (const kind of TRANSFER_KINDS) {
  test(`a ${kind} is made by the database where the domain makes it, and only there`, async () => {
    for (const ends of ENDS[kind]) {
      const free = FREE.map((id) => open(id, 'wallet', ANNA));
      const accounts = [open(ONE, ends[0], ANNA), open(OTHER, ends[1], BO), ...free];
      for (const restrictions of CASES) {
        const setUp = [...accounts, restrict(ONE, restrictions[0]), restrict(OTHER, restrictions[1])];
        const mayBeMade = refusalOf(kind, ends, restrictions, PAYER) === undefined;
        for (const [server, call] of Object.entries(POSTS)) {
          for (const pairs of [[[ONE, OTHER]], [FREE, [ONE, OTHER]]] as const) {
            const what = `${kind} ${ends.join(' to ')}, ${JSON.stringify(restrictions)}, ${server}`;
            assert.equal(await isMade(setUp, call(kind, pairs)), mayBeMade, what);
          }
        }
      }
    }
  });
}

test('negative control: without the question the frozen money moves', async () => {
  const setUp = [open(ONE, 'wallet', ANNA), open(OTHER, 'wallet', BO), restrict(ONE, frozen('Out'))];
  const call = POSTS['this release']('transfer', [[ONE, OTHER]]);
  const loosen = `CREATE OR REPLACE FUNCTION refuse_restricted(kinds transfer_kind[], debits uuid[], credits uuid[])
    RETURNS void LANGUAGE sql AS ''`;
  assert.equal(await isMade(setUp, call), false);
  assert.equal(await isMade([...setUp, loosen], call), true);
});
