// Brings a database to the newest schema, one numbered file after the other.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Umzug } from 'umzug';
import { InvariantError } from '../domain/error-fields.ts';
import { Connection, connectionConfig } from './connection.ts';
import { type OnWarning, prepareLoginRoles, withdrawMembership } from './login-roles.ts';
import { runsOutsideTransaction, statementsOf, withoutComments } from './migration-file.ts';
import { createNodeGuard } from './node-guard.ts';
import { SchemaError } from './schema-error.ts';
import {
  appliedMigrations,
  MIGRATION_FOLDERS,
  migrationsIn,
  refuseStrangers,
  type Schema,
} from './schema-state.ts';
import { PATIENT_IDLE_IN_TRANSACTION_MS } from './timeouts.ts';

/** What migrating needs. */
export interface MigrateOptions {
  /** A login that owns the database and may make roles (CREATEROLE). */
  readonly ownerUrl: string;
  /** The password that the server's own login, ppuri_app, gets. */
  readonly appPassword: string;
  /** The password that the worker's login, ppuri_worker, gets; without one nobody can log in as it. */
  readonly workerPassword?: string;
  /** The password that ppuri_admin gets, the login that makes API keys; without one nobody can log in as it. */
  readonly adminPassword?: string;
  /** The ledger's schema unless it says the archive's. */
  readonly schema?: Schema;
  /** A folder of migrations to run instead of the schema's own. */
  readonly folder?: URL;
  /** Called each time that a migration did not get a lock in time and will be tried again. */
  readonly onRetry?: (migration: string) => void;
  /** Called with what was left out for want of a right, and the statement that a superuser has to run for it. */
  readonly onWarning?: OnWarning;
}

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
/** How long a migration tries to get its lock before it fails, in milliseconds. */
const GIVE_UP_AFTER_MS = 30 * 60_000;
/** No statement takes longer than this, in milliseconds: an index on all transfers may take hours. */
const LONGEST_STATEMENT_MS = 24 * 60 * 60_000;
/** SQLSTATEs of statements that ran into a lock: it was not free in time, or two waited for each other. */
const LOCKED = new Set(['55P03', '40P01']);

/** These take locks that neither reads nor writes wait for, and have to wait for every older transaction to end. */
const WAITS_FOR_NOBODYS_SAKE = /\bCONCURRENTLY\b|\bVALIDATE CONSTRAINT\b/i;
const INDEX_NAME = /^CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS "?(\w+)"?/i;

/**
 * Makes the roles ppuri_app (servers), ppuri_worker (workers) and ppuri_admin (admin.v1 and `npm run keys`), each with no
 * more rights than its process uses (migration 0051), and runs the migrations that have not run yet. Several processes may
 * do it at once: one works, the others wait and find it done. It takes no superuser.
 * @throws SchemaError where the login lacks a right or the database is not ours.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { ownerUrl, schema = 'ledger', folder = MIGRATION_FOLDERS[schema], onWarning = () => {} } = options;
  const client = new Connection(
    connectionConfig({
      ...{ url: ownerUrl, guard: createNodeGuard(), applicationName: 'ppuri migrate' },
      ...{ answerWithinMs: LONGEST_STATEMENT_MS, idleInTransactionMs: PATIENT_IDLE_IN_TRANSACTION_MS },
    }),
  );
  await client.connect();
  try {
    await takeTurn(client);
    const login = await checkStanding(client);
    await prepareLoginRoles(
      client,
      login,
      {
        ppuri_app: options.appPassword,
        ppuri_worker: options.workerPassword,
        ppuri_admin: options.adminPassword,
      },
      onWarning,
    );
    await prepareMigrationsTable(client, schema);
    await steps(client, folder, options.onRetry ?? (() => {})).up();
    await withdrawMembership(client, onWarning);
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

/** Who migrates, and what keeps it from doing so. */
interface Standing {
  readonly login: string;
  readonly database: string;
  readonly owner: string;
  readonly owns_database: boolean;
  readonly owns_public: boolean;
  readonly other_owner: string | null;
  readonly tables: readonly string[];
}

/** Members of the role pg_database_owner own the schema public: that is the owner of the database, and nobody else. */
const STANDING = `
  SELECT current_user::text AS login, datname::text AS database, pg_get_userbyid(datdba)::text AS owner,
    pg_has_role(datdba, 'USAGE') AS owns_database,
    (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'public') AS owns_public,
    (SELECT pg_get_userbyid(relowner) FROM pg_class
      WHERE oid = to_regclass('public.migrations') AND NOT pg_has_role(relowner, 'USAGE'))::text AS other_owner,
    ARRAY(SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
      ORDER BY relname) AS tables
  FROM pg_database WHERE datname = current_database()`;

/** Says what this login lacks before anything is changed; returns its name. */
async function checkStanding(client: pg.Client): Promise<string> {
  const [standing] = (await client.query<Standing>(STANDING)).rows;
  if (!standing) throw new InvariantError('a session has a database');
  const { login, database, owner, other_owner: other, tables } = standing;
  if (!standing.owns_database) {
    throw new SchemaError(`${login} does not own the database ${database}: migrate as ${owner}, which does`);
  }
  if (!standing.owns_public) {
    throw new SchemaError(
      `${login} does not own the schema public of ${database}: a superuser has to run ALTER SCHEMA public OWNER TO pg_database_owner`,
    );
  }
  if (other !== null) {
    throw new SchemaError(
      `${login} does not own the tables of ${database}: migrate as ${other}, which does, or give them away first (REASSIGN OWNED)`,
    );
  }
  if (tables.length > 0 && !tables.includes('migrations')) {
    throw new SchemaError(
      `${database} was never migrated, but has tables already (${tables.slice(0, 3).join(', ')}): it belongs to something else`,
    );
  }
  return login;
}

/** Programs read it when they start. */
async function prepareMigrationsTable(client: pg.Client, schema: Schema): Promise<void> {
  await client.query(
    `CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, ran_at timestamptz NOT NULL DEFAULT now())`,
  );
  refuseStrangers(await appliedMigrations(client, schema), schema);
  await client.query('GRANT SELECT ON migrations TO ppuri_app, ppuri_worker, ppuri_admin');
}

function steps(client: pg.Client, folder: URL, onRetry: (migration: string) => void): Umzug {
  return new Umzug({
    migrations: migrationsIn(folder).map((name) => ({ name, up: () => run(client, folder, name, onRetry) })),
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
