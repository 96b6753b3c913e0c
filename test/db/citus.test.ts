// Every statement that touches transfers keeps to what Citus runs when they are distributed and all else is not (deploy/citus/).
//
// The rules are those of Citus' documentation (SQL support and workarounds) and of what was seen on it: a join with a table of the
// coordinator copies that table to every worker, a correlated subquery and a row lock are refused.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';

const SRC = join(import.meta.dirname, '..', '..', 'src');
/** The archive is another database, which is not distributed. */
const SOURCES = globSync('{db,ledger,repositories}/**/*.ts', { cwd: SRC, exclude: ['db/archive/**'] });

/** A use of the table, and what follows it up to the end of its clause. */
const USE = /\b(FROM|JOIN|INTO|UPDATE|USING)\s+(?:ONLY\s+)?(?:public\.)?transfers\b/g;
/** What may follow a table that is read by itself: an alias, and then a clause or the end. */
const ALONE = /^(?:\s+(?:AS\s+)?t)?\s*(?:$|WHERE\b|GROUP\b|ORDER\b|LIMIT\b|UNION\b|\)|[`;])/;
/** What is read here beside the transfers is in the same parentheses, so Citus would plan both together. */
const OTHER_TABLE = /\b(?:FROM|JOIN)\s+(?!transfers\b)[a-z_]+/;

/** A column of something else than the transfers, which are under no alias or `t`. */
const OTHER_ROW = /\b(?!t\.)[a-z_]+\.[a-z_]+\b(?!\()/;

/** The text from a place to the end of the parentheses, the statement or the template around it. */
function restOfQuery(text: string): string {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (depth < 0 || (depth === 0 && (character === '`' || character === ';'))) return text.slice(0, index);
  }
  return text;
}

/** What Citus would refuse or do badly in this text. */
function findings(text: string): string[] {
  return [...text.matchAll(USE)].flatMap(({ 0: use, 1: how, index }) => {
    const rest = text.slice(index + use.length);
    const query = restOfQuery(rest);
    if (how === 'INTO') return /\bON CONFLICT\b/.test(query) ? ['an upsert'] : [];
    if (how !== 'FROM') return [`${how} transfers: joined or changed`];
    return [
      ...(ALONE.test(rest) ? [] : ['not read by itself']),
      ...(OTHER_TABLE.test(query.split(/\bUNION\b/)[0] ?? '') ? ['a subquery on another table'] : []),
      ...(/\bFOR (?:NO KEY |KEY )?(?:UPDATE|SHARE)\b/.test(query) ? ['a row lock'] : []),
      ...(/\bSELECT\s*$/.test(text.slice(0, index)) ? ['an empty select list'] : []),
      ...(OTHER_ROW.test(query.split(/\bUNION\b/)[0] ?? '') ? ['correlated with another row'] : []),
    ];
  });
}

/**
 * Files and functions that ask for transfers row by row, and what does not work where they are distributed. docs/growth.md names
 * the same.
 */
const NOT_YET_IN_FILES: Readonly<Record<string, string>> = {
  'db/watch/wallet-changes.ts': 'streams of wallets',
};

const NOT_YET: Readonly<Record<string, string>> = {
  seal_feed: 'the feed of transfers',
  oldest_unsealed: 'the feed of transfers',
};

let database: TestDatabase;
before(async () => {
  database = await makeDatabase();
});
after(() => database.drop());

test('programs read transfers by themselves and never lock them, but for those that are known', () => {
  const touching = SOURCES.filter((file) => readFileSync(join(SRC, file), 'utf8').match(USE));
  assert.ok(touching.length >= 3, touching.join());
  const found = touching.filter((file) => findings(readFileSync(join(SRC, file), 'utf8')).length > 0);
  assert.deepEqual(found.sort(), Object.keys(NOT_YET_IN_FILES).sort());
});

test('so do functions in the database, but for those that are known', async () => {
  const pool = ownerPool(database);
  const { rows } = await pool.query<{ name: string; body: string }>(
    `SELECT proname AS name, prosrc AS body FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosrc ~ '\\mtransfers\\M'`,
  );
  await pool.end();
  const found = rows.filter(({ body }) => findings(body).length > 0).map(({ name }) => name);
  assert.deepEqual(found.sort(), Object.keys(NOT_YET).sort());
});

test('nothing points to transfers by a foreign key, and they point to nothing', async () => {
  const pool = ownerPool(database);
  const { rowCount } = await pool.query(
    `SELECT FROM pg_constraint WHERE contype = 'f' AND 'transfers'::regclass IN (conrelid, confrelid)`,
  );
  await pool.end();
  assert.equal(rowCount, 0);
});

test('docs/growth.md says what does not work', () => {
  const page = readFileSync(join(SRC, '..', 'docs', 'growth.md'), 'utf8');
  for (const [name, what] of Object.entries({ ...NOT_YET, ...NOT_YET_IN_FILES }))
    assert.ok(page.includes(`\`${name}\``) && page.includes(what), `${name}: ${what}`);
});

for (const [what, sql] of Object.entries({
  'a join': 'SELECT 1 FROM transfers t JOIN accounts a ON a.id = t.debit_account_id',
  'a list of tables': 'SELECT 1 FROM transfers t, accounts a',
  'a correlated subquery':
    'SELECT 1 FROM after WHERE EXISTS (SELECT 1 FROM transfers t WHERE t.id = after.id)',
  'a subquery':
    'SELECT 1 FROM transfers t WHERE (SELECT o.x FROM accounts o WHERE o.id = t.debit_account_id) > 0',
  'a lock': 'SELECT * FROM transfers WHERE id = $1 FOR SHARE',
  'an empty list': 'IF EXISTS (SELECT FROM transfers WHERE created_at < $1)',
  'an update': 'UPDATE transfers SET amount = 1',
})) {
  test(`negative control: ${what} is found`, () => assert.notDeepEqual(findings(sql), []));
}
