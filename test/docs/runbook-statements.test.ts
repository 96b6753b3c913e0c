// The statements that runbooks tell an operator to send to Postgres and Redis are taken by both, on a ledger of this version.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createRedisConnection, waitUntilReady } from '../../src/redis/index.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGES = globSync('docs/runbooks/*.md', { cwd: ROOT }).map((file) => ({
  name: basename(file),
  text: readFileSync(join(ROOT, file), 'utf8'),
}));
const CONNECT_MS = 10_000;
/** What the pages name by capital letters. */
const PLACES: readonly (readonly [RegExp, string])[] = [
  [/\bPID\b/g, '0'],
  [/'ID'/g, `'00000000-0000-0000-0000-000000000000'`],
  [/'TIME'/g, `'2026-11-26T04:31:00Z'`],
  [/\(0, R\)/g, '(0, 1)'],
  [/oid = D\b/g, 'oid = 1'],
  [/'transfers_2026_01'/g, `'transfers'`],
];
/** These change a server that other tests use, or only a standby takes them: they are only analyzed. */
const ANALYZED =
  /pg_(?:terminate|cancel)_backend|pg_promote|pg_drop_replication_slot|pg_reload_conf|wal_replay|open_transfer_months/;

let database: TestDatabase;
let db: pg.Pool;
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
});
after(async () => {
  await db.end();
  await database.drop();
});

/** What stands between backticks and begins like this, in each page. */
function inline(start: RegExp): { page: string; text: string }[] {
  return PAGES.flatMap(({ name, text }) =>
    [...text.matchAll(/`([^`\n]+)`/g)]
      .map(([, code = '']) => ({ page: name, text: code }))
      .filter((found) => start.test(found.text)),
  );
}

test('Postgres takes every SELECT', async () => {
  const statements = inline(/^SELECT /);
  assert.ok(statements.length > 40, `${statements.length} were found`);
  const client = await db.connect();
  const refused: string[] = [];
  try {
    for (const { page, text } of statements) {
      const sql = PLACES.reduce((changed, [from, to]) => changed.replace(from, to), text);
      await client.query('BEGIN');
      await client
        .query(ANALYZED.test(sql) ? `PREPARE statement AS ${sql}; DEALLOCATE statement` : sql)
        .catch((error: Error) => refused.push(`${page}: ${text}: ${error.message}`));
      await client.query('ROLLBACK');
    }
  } finally {
    client.release();
  }
  assert.deepEqual(refused, []);
});

test('Redis takes every command of redis-cli', { skip: withoutRedis }, async () => {
  const commands = inline(/^redis-cli -u REDIS_URL /);
  assert.ok(commands.length >= 6);
  const own = await startOwnRedis();
  const redis = createRedisConnection({ url: own.url, onError: () => {} });
  try {
    await waitUntilReady(redis, CONNECT_MS);
    for (const { page, text } of commands) {
      const [, , , command = '', ...words] = text.split(' ');
      // Of redis-cli itself.
      if (command.startsWith('--')) continue;
      await redis
        .call(command, ...words)
        .catch((error: Error) => assert.fail(`${page}: ${text}: ${error.message}`));
    }
  } finally {
    redis.disconnect();
    await own.stop();
  }
});
