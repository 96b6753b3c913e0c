// A Postgres of a test file's own, which it may stop, kill and start again.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFree } from '../../scripts/dev/ports.ts';
import { startPostgres } from '../../scripts/dev/postgres.ts';
import { migrate } from '../../src/db/migrate.ts';

export interface OwnPostgres {
  /** Of a migrated database, as the owner of everything. */
  readonly ownerUrl: string;
  /** Of the same database, as the server's own login. */
  readonly appUrl: string;
  /** As the worker's login. */
  readonly workerUrl: string;
  /** As the login of admin.v1. */
  readonly adminUrl: string;
  /** Lets it hang: its connections stay, and nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** Ends it at once; what was committed is there again after a restart. */
  kill(): Promise<void>;
  /** Ends every session and shuts it down cleanly. */
  shutDown(): Promise<void>;
  /** Starts it again where it was, with what it had. */
  restart(): Promise<void>;
  /** Where its data lies. */
  readonly cluster: string;
  /** Ends it and removes what it had. */
  stop(): Promise<void>;
}

const PASSWORD = 'of-the-server-in-tests';

/** Starts it, with settings besides those of every Postgres here. */
export async function startOwnPostgres(settings: Record<string, string> = {}): Promise<OwnPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-postgres-'));
  const [port = 0] = await findFree(1);
  const start = () => startPostgres({ dataDir: folder, logDir: folder, port, settings });
  let postgres = await start();
  const ownerUrl = await postgres.createDatabase('ppuri');
  await migrate({ ownerUrl, appPassword: PASSWORD, workerPassword: PASSWORD, adminPassword: PASSWORD });
  const loginAs = (username: string) =>
    Object.assign(new URL(ownerUrl), { username, password: PASSWORD }).href;
  const own: OwnPostgres = {
    ownerUrl,
    appUrl: loginAs('ppuri_app'),
    workerUrl: loginAs('ppuri_worker'),
    adminUrl: loginAs('ppuri_admin'),
    freeze: () => signalAll(postgres.pid, 'SIGSTOP'),
    thaw: () => signalAll(postgres.pid, 'SIGCONT'),
    async kill() {
      postgres.kill();
      await postgres.ended;
    },
    shutDown: () => postgres.stop(),
    async restart() {
      postgres = await start();
    },
    cluster: join(folder, 'postgres'),
    async stop() {
      await own.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return own;
}

/** Signals a postmaster and its sessions; the postmaster first, so that it starts none in between. */
export function signalAll(postmaster: number, signal: NodeJS.Signals): void {
  process.kill(postmaster, signal);
  for (const pid of childrenOf(postmaster)) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // A session may have ended since it was seen.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function childrenOf(pid: number): number[] {
  const text = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = text.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.flatMap(([child = 0, parent]) => (parent === pid ? [child] : []));
}
