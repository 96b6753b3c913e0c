// A primary and a streaming replica of a test file's own: it may delay, pause, freeze, kill and promote the replica.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { findFree } from '../../scripts/dev/ports.ts';
import { startReplica } from '../../scripts/dev/replica.ts';
import { type OwnPostgres, signalAll, startOwnPostgres } from './own-postgres.ts';

export interface OwnReplica {
  readonly primary: OwnPostgres;
  /** Of the primary's database on the replica, as the server's own login. */
  readonly appUrl: string;
  /** The same as the owner of everything. */
  readonly ownerUrl: string;
  /** Where its data lies. */
  readonly cluster: string;
  /** Says something to the replica as the owner of everything. */
  query(sql: string): Promise<pg.QueryResult>;
  /** Commits are seen on the replica so long after they were made, in milliseconds. */
  delay(ms: number): Promise<void>;
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  /** Ends every session and shuts it down cleanly. */
  shutDown(): Promise<void>;
  restart(): Promise<void>;
  /** Ends both and removes what they had. */
  stop(): Promise<void>;
}

export async function startOwnReplica(): Promise<OwnReplica> {
  const primary = await startOwnPostgres();
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-replica-'));
  const [port = 0] = await findFree(1);
  const start = () => startReplica({ dataDir: folder, logDir: folder, port, primaryUrl: primary.ownerUrl });
  let replica = await start();
  const there = (url: string) => Object.assign(new URL(url), { port: String(port) }).href;
  const own: OwnReplica = {
    primary,
    appUrl: there(primary.appUrl),
    ownerUrl: there(primary.ownerUrl),
    cluster: join(folder, 'postgres'),
    async query(sql) {
      const client = new pg.Client({ connectionString: own.ownerUrl });
      await client.connect();
      return client.query(sql).finally(() => client.end());
    },
    async delay(ms) {
      await own.query(`ALTER SYSTEM SET recovery_min_apply_delay = ${ms}`);
      await own.query('SELECT pg_reload_conf()');
    },
    freeze: () => signalAll(replica.pid, 'SIGSTOP'),
    thaw: () => signalAll(replica.pid, 'SIGCONT'),
    async kill() {
      replica.kill();
      await replica.ended;
    },
    shutDown: () => replica.stop(),
    async restart() {
      replica = await start();
    },
    async stop() {
      await own.kill();
      await primary.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return own;
}
