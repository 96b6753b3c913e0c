// A complete ppuri for one test file: its own database, a server in this process, and an edge in front where asked for.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { SigningKey } from '../clients/typescript/src/signature.ts';
import { createPeople } from '../src/db/people/index.ts';
import { createServerProgram, type ServerProgram } from '../src/server/compose.ts';
import { readServerConfig, type ServerConfig } from '../src/server/config.ts';
import { type ApiUser, as } from './api.ts';
import { type ApiClient, grpcClient, restClient } from './api-client.ts';
import { EDGE_SECRET, type EdgeOptions, startTestEdge } from './edge.ts';
import { makeKey } from './keys.ts';

/** What a test file asks for. */
export interface StackOptions {
  /** Whether Envoy is started in front of the server, and what differs from its defaults. */
  readonly edge?: boolean | EdgeOptions;
  /** Its database, where one was made before; otherwise it makes its own. It is dropped with the stack. */
  readonly database?: TestDatabase;
  /** Settings that differ from the defaults, by the names of their variables. */
  readonly env?: Record<string, string>;
  /** How often its server reads API keys again, in milliseconds; as in production when left out. */
  readonly keyRefreshMs?: number;
}

/** A running ppuri. */
export interface Stack {
  readonly app: ServerProgram;
  readonly config: ServerConfig;
  readonly grpcAddress: string;
  readonly grpc: ApiClient;
  /** Through the edge; there only where the edge was asked for. */
  readonly rest: ApiClient;
  readonly restUrl: string;
  /** A key that may do everything for anybody; the clients sign with it. */
  readonly key: SigningKey;
  /** The database's owner, for reading the tables. */
  readonly db: pg.Pool;
  readonly database: TestDatabase;
  readonly logDir: string;
  /** A user who calls over gRPC. */
  as(user: number): ApiUser;
  addUsers(ids: readonly number[]): Promise<void>;
  /** A room owned by its first member. */
  addRoom(id: string, members: readonly number[]): Promise<void>;
  /** Gives users money from outside. */
  fund(ids: readonly number[], amount: number): Promise<void>;
  /** Stops everything, after making sure that no money was made or lost. */
  stop(): Promise<void>;
}

/** A database of its own: a copy of the migrated one that `npm test` prepares. */
export interface TestDatabase {
  /** As a superuser; its tables belong to a plain owner. */
  readonly ownerUrl: string;
  /** As the server's own login. */
  readonly appUrl: string;
  /** As the worker's own login. */
  readonly workerUrl: string;
  /** As the login of admin.v1. */
  readonly adminUrl: string;
  drop(): Promise<void>;
}

/** A setting that scripts/test.ts hands to the test files. */
export function given(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`${name} is not set; run the tests with npm test (npm test -- <files> for some)`);
  return value;
}

/** Makes a database of its own for a test file. */
export async function makeDatabase(): Promise<TestDatabase> {
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`;
  const admin = (sql: string) => once(given('TEST_OWNER_URL'), sql);
  await admin(
    `CREATE DATABASE ${name} TEMPLATE ${given('TEST_TEMPLATE')} OWNER ${given('TEST_PLAIN_OWNER')}`,
  );
  const on = (base: string) => {
    const url = new URL(base);
    url.pathname = `/${name}`;
    return url;
  };
  const loginAs = (username: string, password: string) =>
    Object.assign(on(given('TEST_OWNER_URL')), { username, password }).href;
  return {
    ownerUrl: on(given('TEST_OWNER_URL')).href,
    appUrl: loginAs('ppuri_app', given('TEST_APP_PASSWORD')),
    workerUrl: loginAs('ppuri_worker', given('TEST_WORKER_PASSWORD')),
    adminUrl: loginAs('ppuri_admin', given('TEST_ADMIN_PASSWORD')),
    drop: () => admin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** A pool of the database's owner. */
export function ownerPool(database: TestDatabase): pg.Pool {
  const pool = new pg.Pool({ connectionString: database.ownerUrl, max: 4 });
  // Dropping the database ends connections that are still closing; that is no fault of the test's.
  pool.on('error', () => {});
  return pool;
}

/** The environment of a server of a test, besides what the test sets. */
export function serverEnv(database: TestDatabase, logDir: string): Record<string, string> {
  return {
    DATABASE_URL: database.appUrl,
    ADMIN_DATABASE_URL: database.adminUrl,
    REDIS_URL: given('TEST_REDIS_URL'),
    EDGE_SECRET,
    // Out of the way, but for the tests that are about them.
    KEY_RATE_PER_SECOND: '1000000',
    USER_RATE_PER_SECOND: '1000000',
    IP_RATE_PER_SECOND: '1000000',
    KEY_ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
    GRPC_PORT: '0',
    OPS_PORT: '0',
    LOG_DIR: logDir,
    LOG_STDOUT: 'none',
    // No edge has to notice, but in the tests that are about that.
    STOP_DRAIN_MS: '0',
  };
}

/** Starts a whole ppuri. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const database = options.database ?? (await makeDatabase());
  const logDir = mkdtempSync(join(tmpdir(), 'ppuri-test-'));
  const config = readServerConfig({ ...serverEnv(database, logDir), ...options.env });
  const key = await makeKey(database);
  const app = await createServerProgram(config, options);
  const db = ownerPool(database);
  const edge = options.edge
    ? await startTestEdge(logDir, [app.grpcPort], options.edge === true ? {} : options.edge)
    : undefined;
  const grpc = grpcClient(`127.0.0.1:${app.grpcPort}`, key);
  const rest = edge ? restClient(edge.restUrl, key) : missing;
  const stop = async () => {
    grpc.close();
    await edge?.stop();
    await app.stop();
    await assertBooksBalance(db).finally(() => db.end());
    await database.drop();
    rmSync(logDir, { recursive: true, force: true });
  };
  const grpcAddress = `127.0.0.1:${app.grpcPort}`;
  const people = peopleOf(database, grpc);
  return {
    app,
    config,
    key,
    grpcAddress,
    grpc,
    rest,
    restUrl: edge?.restUrl ?? '',
    db,
    database,
    logDir,
    stop,
    as: (user) => as(user, grpc),
    ...people,
  };
}

const PEOPLE_CONNECTIONS = 4;

/** As many at once as there are connections: on a busy machine a hundred would wait for one longer than the pool allows. */
async function inTurns(ids: readonly number[], work: (id: number) => Promise<unknown>): Promise<void> {
  for (let index = 0; index < ids.length; index += PEOPLE_CONNECTIONS)
    await Promise.all(ids.slice(index, index + PEOPLE_CONNECTIONS).map(work));
}

/** Puts people into a database. */
export function peopleOf(
  database: TestDatabase,
  client: ApiClient = missing,
): Pick<Stack, 'addUsers' | 'addRoom' | 'fund'> {
  const withPeople = async (work: (people: ReturnType<typeof createPeople>) => Promise<unknown>) => {
    const people = createPeople({ url: database.appUrl, maxConnections: PEOPLE_CONNECTIONS });
    await work(people).finally(() => people[Symbol.asyncDispose]());
  };
  return {
    addUsers: (ids) =>
      withPeople(({ users }) => inTurns(ids, (id) => users.create(BigInt(id), `User ${id}`))),
    addRoom: (id, members) =>
      withPeople(async ({ rooms }) => {
        await rooms.create({ id, displayName: id, ownerUserId: BigInt(members[0] ?? 0) });
        await inTurns(members, (member) => rooms.addMember(id, BigInt(member)));
      }),
    fund: async (ids, amount) => {
      for (const id of ids) {
        const identity = { userId: String(id), idempotencyKey: crypto.randomUUID() };
        const answer = await client.call('wallet.v1.WalletService/Charge', { amount }, identity);
        assert.equal(answer.status, 0, answer.reason);
      }
    },
  };
}

/**
 * Holds the ledger against itself: the sum over every currency is 0, every account is the sum of its transfers, and
 * every pot holds what was not claimed of its sprinkle, or what is left of its hold, which is what its wallet says is held.
 */
export async function assertBooksBalance(db: pg.Pool): Promise<void> {
  const rowsOf = async (sql: string) => (await db.query(sql)).rows;
  assert.deepEqual(
    await rowsOf('SELECT currency, sum(balance) FROM accounts GROUP BY currency HAVING sum(balance) <> 0'),
    [],
    'the sum over a currency is not 0',
  );
  assert.deepEqual(
    await rowsOf(`
      WITH moved AS (
        SELECT debit_account_id AS id, -amount AS amount FROM transfers
        UNION ALL SELECT credit_account_id, amount FROM transfers)
      SELECT a.id, a.balance, a.version, a.hold_changes, sum(m.amount), count(m.id) FROM accounts a LEFT JOIN moved m USING (id)
      GROUP BY a.id HAVING a.balance <> coalesce(sum(m.amount), 0) OR a.version <> count(m.id) + a.hold_changes`),
    [],
    'an account is not the sum of its transfers',
  );
  assert.deepEqual(
    await rowsOf(`
      SELECT s.id FROM sprinkles s JOIN accounts p ON p.id = s.pot_account_id
      WHERE p.balance NOT IN (0, s.amount - (SELECT coalesce(sum(c.amount), 0) FROM sprinkle_claims c WHERE c.sprinkle_id = s.id))
         OR s.claimed_count <> (SELECT count(*) FROM sprinkle_claims c WHERE c.sprinkle_id = s.id)
         OR s.amount <> (SELECT sum(share) FROM unnest(s.shares) AS share)`),
    [],
    'a pot does not match its sprinkle',
  );
  assert.deepEqual(
    await rowsOf(`
      SELECT h.id, h.state, p.balance FROM holds h JOIN accounts p ON p.id = h.pot_account_id
      WHERE p.balance <> CASE WHEN h.closed_at IS NULL THEN h.amount - h.captured_amount ELSE 0 END
      UNION ALL
      SELECT a.id, 'held', a.held_amount FROM accounts a WHERE a.held_amount <> (
        SELECT coalesce(sum(h.amount - h.captured_amount), 0) FROM holds h WHERE h.wallet_id = a.id AND h.closed_at IS NULL)`),
    [],
    'a pot does not match its hold, or a wallet its holds',
  );
}

const missing: ApiClient = {
  name: 'REST',
  call: () => Promise.reject(new Error('this test has nothing to make that call with')),
  close: () => {},
};

async function once(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
