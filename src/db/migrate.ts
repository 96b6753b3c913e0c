// Brings a database to the newest schema, one numbered file after the other.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Umzug } from 'umzug';
import { InvariantError } from '../domain/error-fields.ts';
import { runsOutsideTransaction, statementsOf, withoutComments } from './migration-file.ts';
import { startupOptions } from './pool.ts';
import { CONNECT_TIMEOUT_MS, KEEPALIVE_DELAY_MS } from './timeouts.ts';

/** What migrating needs. */
export interface MigrateOptions {
  /** A login that owns the database. */
  readonly ownerUrl: string;
  /** The password that the server's own login, ppuri_app, gets. */
  readonly appPassword: string;
  /** The password that the worker's login, ppuri_worker, gets; without one nobody can log in as it. */
  readonly workerPassword?: string;
  /** The password that ppuri_admin gets, the login that makes API keys; without one nobody can log in as it. */
  readonly adminPassword?: string;
  /** The ledger's schema unless it says the archive's. */
  readonly schema?: 'ledger' | 'archive';
  /** A folder of migrations to run instead of the schema's own. */
  readonly folder?: URL;
  /** Told each time that a migration did not get a lock in time and will be tried again. */
  readonly onRetry?: (migration: string) => void;
}

const FOLDERS = {
  ledger: new URL('./migrations/', import.meta.url),
  archive: new URL('./archive/migrations/', import.meta.url),
} as const;
/** Any number that no other program takes a lock under in this database. */
const LOCK = 5_077_821;
const POLL_LOCK_MS = 100;

/**
 * How long a statement waits for a lock, in milliseconds. Calls that come meanwhile queue behind it, so this bounds how
 * long a migration beside a long reader holds them up at a time.
 */
const LOCK_TIMEOUT_MS = 250;
/** How long the calls that queued have between two attempts, in milliseconds: twice as long each time, up to the second. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
/** After so long without its lock a migration fails, in milliseconds. */
const GIVE_UP_AFTER_MS = 30 * 60_000;
/** SQLSTATEs of statements that ran into a lock: it was not free in time, or two waited for each other. */
const LOCKED = new Set(['55P03', '40P01']);

/** These take locks that neither reads nor writes wait for, and have to wait for every older transaction to end. */
const WAITS_FOR_NOBODYS_SAKE = /\bCONCURRENTLY\b|\bVALIDATE CONSTRAINT\b/i;
const INDEX_NAME = /^CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS "?(\w+)"?/i;

/**
 * Makes the roles ppuri_app (servers), ppuri_worker (workers) and ppuri_admin (admin.v1 and `npm run keys`), each with no
 * more rights than its process uses (migration 0051), and runs the migrations that have not run yet. Several processes may
 * do it at once: one works, the others wait and find it done.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { ownerUrl, schema = 'ledger', folder = FOLDERS[schema] } = options;
  const client = new pg.Client({
    connectionString: ownerUrl,
    options: startupOptions(),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  await client.connect();
  try {
    await takeTurn(client);
    await prepareRoles(client, options);
    await client.query(
      `CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, ran_at timestamptz NOT NULL DEFAULT now())`,
    );
    await steps(client, folder, options.onRetry ?? (() => {})).up();
    await withdrawMembership(client);
  } finally {
    await client.end();
  }
}

/** Polls: a session that waits in pg_advisory_lock has a snapshot, and building an index concurrently waits for that to end. */
async function takeTurn(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ is_mine: boolean }>('SELECT pg_try_advisory_lock($1) AS is_mine', [
      LOCK,
    ]);
    if (rows[0]?.is_mine) return;
    await sleep(POLL_LOCK_MS);
  }
}

/** Roles belong to the whole cluster, so databases that are migrated side by side take turns here. */
async function inTurn(client: pg.Client, work: () => Promise<unknown>): Promise<void> {
  await client.query('BEGIN');
  await client.query('LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE');
  await work();
  await client.query('COMMIT');
}

function prepareRoles(client: pg.Client, options: MigrateOptions): Promise<void> {
  return inTurn(client, async () => {
    await prepareRole(client, 'ppuri_app', options.appPassword);
    await prepareRole(client, 'ppuri_worker', options.workerPassword);
    await prepareRole(client, 'ppuri_admin', options.adminPassword);
  });
}

/** Before it had rights of its own (migration 0051), ppuri_worker was a member of ppuri_app. */
function withdrawMembership(client: pg.Client): Promise<void> {
  return inTurn(client, async () => {
    const { rowCount } = await client.query(
      `SELECT FROM pg_auth_members WHERE roleid = 'ppuri_app'::regrole AND member = 'ppuri_worker'::regrole`,
    );
    if (rowCount !== 0) await client.query('REVOKE ppuri_app FROM ppuri_worker');
  });
}

async function prepareRole(client: pg.Client, name: string, password: string | undefined): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
  const login = password === undefined ? '' : ` LOGIN PASSWORD ${client.escapeLiteral(password)}`;
  if (rowCount === 0) await client.query(`CREATE ROLE ${name}${login}`);
  else if (login) await client.query(`ALTER ROLE ${name}${login}`);
}

function steps(client: pg.Client, folder: URL, onRetry: (migration: string) => void): Umzug {
  const files = readdirSync(folder).filter((file) => file.endsWith('.sql'));
  return new Umzug({
    migrations: files.sort().map((name) => ({ name, up: () => run(client, folder, name, onRetry) })),
    storage: {
      // A migration and the note that it ran are one transaction, in runInTransaction(); outside of one it may run twice.
      logMigration: async () => {},
      unlogMigration: async () => {
        throw new InvariantError('migrations only go forward');
      },
      executed: async () => {
        const { rows } = await client.query<{ name: string }>('SELECT name FROM migrations ORDER BY name');
        return rows.map((row) => row.name);
      },
    },
    logger: undefined,
  });
}

async function run(
  client: pg.Client,
  folder: URL,
  name: string,
  onRetry: (migration: string) => void,
): Promise<void> {
  const text = readFileSync(new URL(name, folder), 'utf8');
  const retry = () => onRetry(name);
  try {
    if (runsOutsideTransaction(text)) await runOneByOne(client, name, text, retry);
    else await untilUnlocked(() => runInTransaction(client, name, text), retry);
  } catch (error) {
    throw new InvariantError(`migration ${name} failed`, { cause: error });
  }
}

/** Tries again whenever a lock was not free in time. */
async function untilUnlocked(attempt: () => Promise<void>, retry: () => void): Promise<void> {
  const giveUpAt = performance.now() + GIVE_UP_AFTER_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      const isLocked = error instanceof pg.DatabaseError && LOCKED.has(error.code ?? '');
      if (!isLocked || performance.now() > giveUpAt) throw error;
      retry();
      await sleep(pauseMs * (1 + Math.random()));
    }
  }
}

async function runInTransaction(client: pg.Client, name: string, text: string): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await client.query(text);
    await note(client, name);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/**
 * Runs statements that refuse to run in a transaction. Each of them must be one that may run again, because a crash may
 * come before the note. What a SELECT returns are statements as well, run in their order, as psql's \gexec does: that is
 * how a file does something to every partition of a table.
 */
async function runOneByOne(client: pg.Client, name: string, text: string, retry: () => void): Promise<void> {
  for (const statement of statementsOf(text).map(withoutComments)) {
    const made = /^SELECT\b/i.test(statement)
      ? (await client.query({ text: statement, rowMode: 'array' })).rows.map(([made]) => String(made))
      : [statement];
    for (const one of made) await untilUnlocked(() => runAlone(client, one), retry);
  }
  await note(client, name);
}

async function runAlone(client: pg.Client, statement: string): Promise<void> {
  await client.query(`SET lock_timeout = ${WAITS_FOR_NOBODYS_SAKE.test(statement) ? 0 : LOCK_TIMEOUT_MS}`);
  const [, index] = INDEX_NAME.exec(statement) ?? [];
  if (index !== undefined) await dropHalfBuilt(client, index);
  await client.query(statement).finally(() => client.query('RESET lock_timeout'));
}

/** An index that was being built when somebody gave up is there, but invalid, and IF NOT EXISTS would take it for built. */
async function dropHalfBuilt(client: pg.Client, index: string): Promise<void> {
  const { rowCount } = await client.query(
    'SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid',
    [client.escapeIdentifier(index)],
  );
  if (rowCount === 1) await client.query(`DROP INDEX CONCURRENTLY ${client.escapeIdentifier(index)}`);
}

async function note(client: pg.Client, name: string): Promise<void> {
  await client.query('INSERT INTO migrations (name) VALUES ($1)', [name]);
}
