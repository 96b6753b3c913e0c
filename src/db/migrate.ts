// Brings a database to the newest schema, one numbered file after the other.
import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { Umzug } from 'umzug';

/** What migrating needs. */
export interface MigrateOptions {
  /** A login that owns the database. */
  readonly ownerUrl: string;
  /** The password that the server's own login, ppuri_app, gets. */
  readonly appPassword: string;
  /** The password that the worker's login, ppuri_worker, gets; without one nobody can log in as it. */
  readonly workerPassword?: string;
  /** The ledger's schema unless it says the archive's. */
  readonly schema?: 'ledger' | 'archive';
}

const FOLDERS = {
  ledger: new URL('./migrations/', import.meta.url),
  archive: new URL('./archive/migrations/', import.meta.url),
} as const;
/** Any number that no other program takes a lock under in this database. */
const LOCK = 5_077_821;

/**
 * Makes the roles ppuri_app, which may use the tables but not change or empty the ledger, and ppuri_worker, which may
 * also look after jobs and old data, and runs the migrations that have not run yet. Several processes may do it at once: one works, the others wait and find it done.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { ownerUrl, appPassword, workerPassword, schema = 'ledger' } = options;
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    await prepareRoles(client, appPassword, workerPassword);
    await client.query(
      `CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, ran_at timestamptz NOT NULL DEFAULT now())`,
    );
    await steps(client, FOLDERS[schema]).up();
  } finally {
    await client.end();
  }
}

/** Roles belong to the whole cluster, so databases that are migrated side by side take turns here. */
async function prepareRoles(client: pg.Client, appPassword: string, workerPassword?: string): Promise<void> {
  await client.query('BEGIN');
  await client.query('LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE');
  await prepareRole(client, 'ppuri_app', appPassword);
  await prepareRole(client, 'ppuri_worker', workerPassword);
  const { rowCount } = await client.query(
    `SELECT FROM pg_auth_members WHERE roleid = 'ppuri_app'::regrole AND member = 'ppuri_worker'::regrole`,
  );
  if (rowCount === 0) await client.query('GRANT ppuri_app TO ppuri_worker');
  await client.query('COMMIT');
}

async function prepareRole(client: pg.Client, name: string, password: string | undefined): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
  const login = password === undefined ? '' : ` LOGIN PASSWORD ${client.escapeLiteral(password)}`;
  if (rowCount === 0) await client.query(`CREATE ROLE ${name}${login}`);
  else if (login) await client.query(`ALTER ROLE ${name}${login}`);
}

function steps(client: pg.Client, folder: URL): Umzug {
  const files = readdirSync(folder).filter((file) => file.endsWith('.sql'));
  return new Umzug({
    migrations: files.sort().map((name) => ({ name, up: () => run(client, folder, name) })),
    storage: {
      // A migration and the note that it ran are one transaction, in run().
      logMigration: async () => {},
      unlogMigration: async () => {
        throw new Error('migrations only go forward');
      },
      executed: async () => {
        const { rows } = await client.query<{ name: string }>('SELECT name FROM migrations ORDER BY name');
        return rows.map((row) => row.name);
      },
    },
    logger: undefined,
  });
}

async function run(client: pg.Client, folder: URL, name: string): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(readFileSync(new URL(name, folder), 'utf8'));
    await client.query('INSERT INTO migrations (name) VALUES ($1)', [name]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw new Error(`migration ${name} failed`, { cause: error });
  }
}
