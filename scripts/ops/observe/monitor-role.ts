// The login of the Postgres exporter in development: a role that may read statistics and no row of ours.
import { join } from 'node:path';
import pg from 'pg';
import { loadSecret } from '../../dev/files.ts';
import { ownerLogin } from '../../dev/postgres.ts';

const ROLE = 'ppuri_monitor';

/** Creates the role unless it exists, and returns its URL of the same database. */
export async function createMonitorRole(dataDir: string, databaseUrl: string): Promise<string> {
  const password = loadSecret(join(dataDir, 'postgres-monitor.secret'));
  const client = new pg.Client({ connectionString: ownerLogin(dataDir, databaseUrl) });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [ROLE]);
    if (rowCount === 0) await client.query(`CREATE ROLE ${ROLE} LOGIN IN ROLE pg_monitor`);
    await client.query(`ALTER ROLE ${ROLE} PASSWORD ${client.escapeLiteral(password)}`);
  } finally {
    await client.end();
  }
  return Object.assign(new URL(databaseUrl), { username: ROLE, password }).href;
}
