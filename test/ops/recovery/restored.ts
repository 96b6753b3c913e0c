// Starts Postgres on a restored folder, as an operator would after a restore.
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { writeSecret } from '../../../scripts/dev/files.ts';
import { findFree } from '../../../scripts/dev/ports.ts';
import { startPostgres } from '../../../scripts/dev/postgres.ts';

/** The restored cluster, running. */
export interface Restored extends AsyncDisposable {
  /** Its ledger, as the owner of everything. */
  readonly ownerUrl: string;
  query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]>;
}

/** Starts it; it has the roles and passwords of the cluster that was backed up. The folder is gone with it. */
export async function openRestored(
  into: string,
  ownerUrlBefore: string,
  settings: Record<string, string> = {},
): Promise<Restored> {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-restored-'));
  renameSync(into, join(folder, 'postgres'));
  writeSecret(join(folder, 'postgres-owner.secret'), new URL(ownerUrlBefore).password);
  const [port = 0] = await findFree(1);
  const postgres = await startPostgres({ dataDir: folder, logDir: folder, port, settings });
  const ownerUrl = Object.assign(new URL(postgres.ownerUrl), { pathname: '/ppuri' }).href;
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 2 });
  pool.on('error', () => {});
  return {
    ownerUrl,
    query: async <Row extends pg.QueryResultRow>(sql: string) => (await pool.query<Row>(sql)).rows,
    [Symbol.asyncDispose]: async () => {
      await pool.end();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
