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
}

const FOLDER = new URL('./migrations/', import.meta.url);
/** Any number that no other program takes a lock under in this database. */
const LOCK = 5_077_821;

/**
 * Makes the role ppuri_app, which may use the tables but not change or empty the ledger, and runs the migrations that
 * have not run yet. Several processes may do it at once: one works, the others wait and find it done.
 */
export async function migrate({ ownerUrl, appPassword }: MigrateOptions): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    await prepareRole(client, appPassword);
    await client.query(
      `CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, ran_at timestamptz NOT NULL DEFAULT now())`,
    );
    await steps(client).up();
  } finally {
    await client.end();
  }
}

/** Roles belong to the whole cluster, so databases that are migrated side by side take turns here. */
async function prepareRole(client: pg.Client, password: string): Promise<void> {
  await client.query('BEGIN');
  await client.query('LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE');
  const { rowCount } = await client.query(`SELECT FROM pg_roles WHERE rolname = 'ppuri_app'`);
  const verb = rowCount === 0 ? 'CREATE' : 'ALTER';
  await client.query(`${verb} ROLE ppuri_app LOGIN PASSWORD ${client.escapeLiteral(password)}`);
  await client.query('COMMIT');
}

function steps(client: pg.Client): Umzug {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.sql'));
  return new Umzug({
    migrations: files.sort().map((name) => ({ name, up: () => run(client, name) })),
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

async function run(client: pg.Client, name: string): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(readFileSync(new URL(name, FOLDER), 'utf8'));
    await client.query('INSERT INTO migrations (name) VALUES ($1)', [name]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw new Error(`migration ${name} failed`, { cause: error });
  }
}
