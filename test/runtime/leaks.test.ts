// Nothing secret and nothing that people wrote reaches a log, a job's record, Redis or stderr, whatever fails with it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { createPeople } from '../../src/db/people/index.ts';
import { errorFields, errorText } from '../../src/domain/error-fields.ts';
import { createLogs } from '../../src/runtime/logs.ts';
import { withKey } from '../api.ts';
import { grpcClient, restClient } from '../api-client.ts';
import { startTestEdge } from '../edge.ts';
import { makeKey, SEALING_KEY } from '../keys.ts';
import { startWorkerProcess, workerEnv } from '../processes.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';
import { openSprinkleLedger } from '../worker/sprinkles.ts';

const ANNA = 8811;
const BO = 8812;
/** Stands in everything that must not be seen again. */
const MARKER = 'm4rker';
let stack: Stack;
let folder: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-leaks-'));
  stack = await startStack({ env: { LOG_LEVEL: 'trace' } });
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA], 1000);
});
after(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Makes every row of a table that holds the marker fail, with the row's own words in all that Postgres says. */
async function poison(table: string, column: string): Promise<() => Promise<void>> {
  await stack.db.query(`
    CREATE OR REPLACE FUNCTION poison_${table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.${column}::text LIKE '%${MARKER}%' THEN
        RAISE EXCEPTION 'no row with %', NEW.${column} USING DETAIL = NEW.*::text, HINT = NEW.${column}::text;
      END IF;
      RETURN NEW; END $$;
    CREATE OR REPLACE TRIGGER poison BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION poison_${table}()`);
  return async () => {
    await stack.db.query(`DROP FUNCTION poison_${table}() CASCADE`);
  };
}

/** Errors of the real drivers, each with the marker somewhere in it. */
async function realErrors(): Promise<Error[]> {
  const errors: Error[] = [];
  const note: Note = (work) =>
    work.then(
      () => assert.fail('it was to fail'),
      (error: Error) => errors.push(error),
    );
  await noteErrorsOfDatabase(note);
  await noteOtherErrors(note);
  return errors;
}

/** Waits for work that fails, and keeps its error. */
type Note = (work: Promise<unknown>) => Promise<unknown>;

async function noteErrorsOfDatabase(note: Note): Promise<void> {
  const pool = createTestPool(stack.database.ownerUrl, { maxConnections: 1 });
  const people = createPeople({ url: stack.database.ownerUrl, maxConnections: 1 });
  await note(pool.query('SELECT $1::uuid', [MARKER]));
  await note(pool.query(`SELECT ${MARKER}`));
  await note(pool.query('SELECT $1::json', [`{"${MARKER}": `]));
  await pool.query(`CREATE TABLE leaks (name text PRIMARY KEY CHECK (name <> '${MARKER}2'))`);
  await pool.query('INSERT INTO leaks VALUES ($1)', [MARKER]);
  await note(pool.query('INSERT INTO leaks VALUES ($1)', [MARKER]));
  await note(pool.query('INSERT INTO leaks VALUES ($1)', [`${MARKER}2`]));
  await note(pool.query(`DO $$ BEGIN EXECUTE 'SELECT ''${MARKER}''::int'; END $$`));
  await pool.query('DROP TABLE leaks');
  // A room whose owner there is not, and a friendship with nobody: foreign keys, through Sequelize.
  await note(people.rooms.create({ id: `room-${MARKER}`, displayName: MARKER, ownerUserId: 1n }));
  await note(people.users.create(0n, MARKER));
  await note(
    people.apiKeys.add({
      id: 'none',
      displayName: MARKER,
      kind: 'hmac-sha256',
      sealedSecret: MARKER,
      publicKey: undefined,
      scopes: [],
      userId: undefined,
      allowedNetworks: [],
      ratePerSecond: undefined,
      replacesId: undefined,
      activeFrom: 0,
      expiresAt: undefined,
    }),
  );
  const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const hanging = note(pool.query('SELECT $1::text, pg_sleep(30)', [MARKER]));
  await until('the statement runs', async () => {
    const { rowCount } = await stack.db.query(
      `SELECT FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%pg_sleep%'`,
      [rows[0]?.pid],
    );
    return rowCount === 1;
  });
  await stack.db.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
  await hanging;
  await Promise.all([pool.end(), people[Symbol.asyncDispose]()]);
}

async function noteOtherErrors(note: Note): Promise<void> {
  const redis = new Redis(stack.config.redis.url, { lazyConnect: true, maxRetriesPerRequest: 0 });
  await note(redis.call('HSET', MARKER));
  await note(redis.eval(`return redis.error_reply('ERR ${MARKER}')`, 0));
  redis.disconnect();
  await note(Promise.resolve().then(() => JSON.parse(MARKER)));
  await note(Promise.resolve().then(() => BigInt(MARKER)));
  await note(Promise.reject(new Error(`plain ${MARKER}`, { cause: new TypeError(MARKER) })));
  await note(
    Promise.reject(
      Object.assign(new Error(MARKER), { code: MARKER, table: `a ${MARKER}\n`, name: `${MARKER} x` }),
    ),
  );
  await note(Promise.reject(new Error(`x\n    at ${MARKER} (file:///tmp/${MARKER}.ts:1:1)`)));
  await note(Promise.reject(new AggregateError([new Error(MARKER)], MARKER)));
}

test('whatever the drivers throw, a log line of it holds none of its values, under every way to log it', async () => {
  const errors = await realErrors();
  const logs = createLogs({ folder: join(folder, 'ways'), stdout: 'none', level: 'trace' });
  // Its type allows less than it can be called with.
  const app = logs.app as unknown as Logger;
  for (const error of errors) {
    app.error({ err: error }, 'a call failed');
    app.error({ err: error });
    app.error(error);
    app.error(error, 'a call failed');
    app.error({ error, cause: error, about: { error } }, 'a call failed');
    app.warn({ reason: errorText(error) }, 'a call failed');
    app.child({ job: 'x', err: error }).warn({ err: error, error }, 'a call failed');
    app.warn({ about: 'words' }, 'a call failed: %s %o', error, error);
  }
  logs.app.error({ err: MARKER }, errorText(MARKER));
  await logs[Symbol.asyncDispose]();
  const text = readFileSync(join(folder, 'ways', 'app.log'), 'utf8');
  assert.equal(text.split('\n').length - 1, errors.length * 8 + 1);
  const told = text.split('\n').filter((line) => line.includes(MARKER));
  assert.deepEqual(told, []);
});

test('the log of an error has its type, SQLSTATE, constraint, table and stack', async () => {
  const error = await stack.db
    .query('INSERT INTO users (id, display_name) VALUES ($1, $2)', [ANNA, MARKER])
    .catch((thrown: unknown) => thrown);
  const fields = errorFields(error);
  assert.deepEqual(
    [fields.type, fields.code, fields.constraint, fields.table],
    ['DatabaseError', '23505', 'users_pkey', 'users'],
  );
  assert.match(fields.stack ?? '', /leaks\.test\.ts/);
  const people = createPeople({ url: stack.database.ownerUrl, maxConnections: 1 });
  const wrapped = await people.rooms
    .create({ id: 'r', displayName: 'r', ownerUserId: 1n })
    .catch((thrown: unknown) => thrown);
  await people[Symbol.asyncDispose]();
  assert.equal(errorFields(wrapped).type, 'SequelizeForeignKeyConstraintError');
  assert.equal(errorFields(wrapped).cause?.code, '23503');
  assert.match(errorText(wrapped), /23503 .*rooms_owner_user_id_fkey/);
  const away = createTestPool('postgres://127.0.0.1:1/none', { maxConnections: 1 });
  const refused = await away.query('SELECT 1').catch((thrown: unknown) => thrown);
  await away.end();
  assert.equal(errorText(refused), 'Error ECONNREFUSED connect 127.0.0.1 1');
});

test('calls that fail inside, with sealed secrets, names and memos in their statements, leave none in the logs', async () => {
  const restore = [
    await poison('api_keys', 'display_name'),
    await poison('rooms', 'display_name'),
    await poison('users', 'display_name'),
    await poison('transfers', 'memo'),
  ];
  const identity = () => withKey(ANNA);
  const answers = await Promise.all([
    stack.grpc.call('admin.v1.ApiKeyService/CreateApiKey', {
      display_name: MARKER,
      kind: 'API_KEY_KIND_HMAC_SHA256',
      scopes: ['SCOPE_READ'],
    }),
    stack.grpc.call(
      'wallet.v2.RoomService/CreateRoom',
      { room_id: 'leaky', display_name: MARKER },
      identity(),
    ),
    stack.grpc.call('wallet.v2.UserService/CreateUser', { user_id: 8899, display_name: MARKER }),
    stack.grpc.call(
      'wallet.v1.WalletService/Transfer',
      { to_user_id: BO, amount: 1, memo: MARKER },
      identity(),
    ),
  ]);
  for (const undo of restore) await undo();
  const { rows } = await stack.db.query<{ sealed_secret: string }>('SELECT sealed_secret FROM api_keys');
  const key = await makeKey(stack.database);
  const forged = grpcClient(stack.grpcAddress, { ...key, keyId: `${MARKER}-key` });
  const stranger = await forged.call('wallet.v1.WalletService/GetBalance', {}, { userId: MARKER });
  forged.close();
  assert.equal(stranger.reason, 'AUTHENTICATION_FAILED');
  assert.deepEqual(
    answers.map(({ reason }) => reason),
    ['INTERNAL', 'INTERNAL', 'INTERNAL', 'INTERNAL'],
  );
  const log = () => readFileSync(join(stack.logDir, 'app.log'), 'utf8');
  await until('four failures in the log', () => log().split('a call failed').length - 1 >= 4);
  const text = log() + readFileSync(join(stack.logDir, 'transactions.log'), 'utf8');
  assert.ok(!text.includes(`no row with`) && !text.includes('VALUES'), 'no message, no statement');
  assert.deepEqual(
    text.split('\n').filter((line) => line.includes(MARKER)),
    [],
  );
  assert.ok(rows.every(({ sealed_secret }) => !text.includes(sealed_secret)));
  assert.match(text, /"error.code":"P0001"/);
});

test('what callers send, and what signs it, is in no log, of the server or the edge, and in no metric', {
  skip: withoutEdge,
}, async () => {
  const edge = await startTestEdge(join(folder, 'edge'), [stack.app.grpcPort]);
  const rest = restClient(edge.restUrl, stack.key);
  const outcomes = [];
  for (const [index, client] of [stack.grpc, rest].entries()) {
    const key = `${MARKER}-${crypto.randomUUID()}`;
    const memo = { to_user_id: BO, amount: 1, memo: MARKER };
    outcomes.push(await client.call('wallet.v1.WalletService/Transfer', memo, withKey(ANNA, key)));
    outcomes.push(
      await client.call('wallet.v2.TransferService/GetOutcome', { idempotency_key: key }, withKey(ANNA)),
    );
    const bad = { to_user_id: BO, amount: -1, memo: MARKER.repeat(100) };
    await client.call('wallet.v1.WalletService/Transfer', bad, withKey(ANNA));
    const room = { room_id: `${MARKER}${index}`, display_name: MARKER };
    outcomes.push(await client.call('wallet.v2.RoomService/CreateRoom', room, withKey(ANNA)));
    await client.call('wallet.v1.SprinkleService/GetSprinkle', { token: MARKER }, { userId: MARKER });
  }
  assert.deepEqual(
    outcomes.map(({ reason }) => reason),
    outcomes.map(() => ''),
  );
  // A secret where the id of its key belongs.
  const secret = 'secret' in stack.key ? Buffer.from(stack.key.secret).toString() : MARKER;
  for (const keyId of [secret, MARKER]) {
    const wrong = { ...stack.key, keyId };
    const direct = grpcClient(stack.grpcAddress, wrong);
    for (const client of [direct, restClient(edge.restUrl, wrong)]) {
      const { reason } = await client.call('wallet.v1.WalletService/GetBalance', {}, withKey(ANNA));
      assert.equal(reason, 'AUTHENTICATION_FAILED');
    }
    direct.close();
  }
  const filesIn = (place: string) =>
    readdirSync(place, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.log'))
      .map((entry) => join(entry.parentPath, entry.name));
  const paths = [...filesIn(stack.logDir), ...filesIn(join(folder, 'edge'))];
  const textOf = (path: string) => readFileSync(path, 'utf8');
  await until('the edge has logged the last call', () => textOf(edge.accessLog).split('\n').length > 7);
  await edge.stop();
  const page = await (await fetch(`http://127.0.0.1:${stack.app.opsPort}/metrics`)).text();
  const outputs = { page, ...Object.fromEntries(paths.map((path) => [path, textOf(path)])) };
  assert.ok(paths.length >= 5, String(paths));
  for (const [name, text] of Object.entries(outputs))
    for (const hidden of [MARKER, secret])
      assert.deepEqual(
        text.split('\n').filter((line) => line.includes(hidden)),
        [],
        name,
      );
});

test('a job that fails reveals nothing of its rows in logs, tables, Redis or output', {
  skip: withoutRedis,
}, async () => {
  const redis = await startOwnRedis();
  const ledger = await openSprinkleLedger(stack.database);
  await ledger.make(3, 200);
  await ledger.close();
  await stack.db.query(`
    CREATE FUNCTION poison_refunds() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.sprinkle_id IS NOT NULL THEN RAISE EXCEPTION '${MARKER}: %', NEW.id USING DETAIL = '${MARKER}'; END IF;
      RETURN NEW; END $$;
    CREATE OR REPLACE TRIGGER poison BEFORE INSERT ON transfers FOR EACH ROW EXECUTE FUNCTION poison_refunds()`);
  const logDir = join(folder, 'worker');
  const env = {
    ...workerEnv(stack.database, redis.url),
    LOG_LEVEL: 'trace',
    LOG_DIR: logDir,
    LOG_STDOUT: 'none',
  };
  const worker = await startWorkerProcess(env);
  const client = new Redis(redis.url);
  const kept: string[] = [];
  await until('dead letters', async () => {
    for (const name of await client.keys('ppuri:*')) {
      if ((await client.type(name)) === 'hash') kept.push(JSON.stringify(await client.hgetall(name)));
      if ((await client.type(name)) === 'stream')
        kept.push(JSON.stringify(await client.xrange(name, '-', '+')));
    }
    return Number((await stack.db.query('SELECT count(*) FROM dead_letters')).rows[0].count) >= 3;
  });
  await worker.stop();
  client.disconnect();
  await stack.db.query('DROP FUNCTION poison_refunds() CASCADE');
  const rows = await stack.db.query(
    'SELECT last_error FROM job_states UNION ALL SELECT error FROM dead_letters',
  );
  const log = readFileSync(join(logDir, 'app.log'), 'utf8');
  await redis.stop();
  for (const [place, text] of Object.entries({
    rows: JSON.stringify(rows.rows),
    log,
    redis: kept.join('\n'),
  }))
    assert.ok(
      !text.includes(MARKER),
      `${place}: ${text.slice(Math.max(0, text.indexOf(MARKER) - 300), text.indexOf(MARKER) + 100)}`,
    );
  assert.match(JSON.stringify(rows.rows), /P0001/, 'its SQLSTATE is told');
  assert.ok(
    kept.some((text) => text.includes('failedReason')),
    'Redis was seen with failures in it',
  );
});

test('a script whose statement fails reveals nothing of it on stderr', async () => {
  const restore = await poison('api_keys', 'display_name');
  const script = new URL('../../scripts/keys.ts', import.meta.url).pathname;
  const env = {
    ...process.env,
    ADMIN_DATABASE_URL: stack.database.ownerUrl,
    REDIS_URL: stack.config.redis.url,
    KEY_ENCRYPTION_KEYS: `${SEALING_KEY.id}:${SEALING_KEY.key.toString('base64')}`,
  };
  const args = [script, 'create', '--name', MARKER, '--scopes', 'read'];
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
    const child = execFile(process.execPath, args, { env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
  await restore();
  assert.equal(code, 1, output);
  assert.ok(!output.includes(MARKER) && !output.includes('INSERT'), output);
  assert.match(output, /P0001/);
});
