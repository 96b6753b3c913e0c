// Commits that go on although their connection is closed.
//
// A COMMIT waits for the synchronous standby even when its client has given up, and until the standby is back nothing ends that
// wait but an operator. A pool that opened another session in place of each one that hangs would take all of Postgres'
// connections while the standby is away.
import type pg from 'pg';
import { PostgresAwayError } from './unreachable.ts';

/** Keeps a pool from opening sessions while one that it gave up still commits. */
export interface UnfinishedCommits {
  /** Notes a session whose connection was closed while a statement was under way. */
  add(pid: number): void;
  /** Throws a PostgresAwayError where one was found at its commit, but for the one connection whose turn it is to ask again. */
  check(): void;
  /** Asks over a new connection. Throws a PostgresAwayError while one is at its commit, or what Postgres says. */
  admit(connection: Pick<pg.ClientBase, 'query'>): Promise<void>;
}

/** How often Postgres is asked again, which starts a process for each connection that asks. */
const ASK_AGAIN_MS = 500;

/**
 * Which of these sessions are at work, and whether at their commit: it waits for the standby, or it is at work after the timeout
 * at which Postgres ends everything but a commit, and which is the same for all sessions of a pool.
 */
const AT_WORK = `
  SELECT pid, wait_event IS NOT DISTINCT FROM 'SyncRep'
    OR clock_timestamp() - query_start > current_setting('statement_timeout')::interval AS is_committing
  FROM pg_stat_activity WHERE pid = ANY ($1::int[]) AND state = 'active'`;

/** Creates what the connections of one pool share. */
export function createUnfinishedCommits(): UnfinishedCommits {
  const pids = new Set<number>();
  let isFound = false;
  let askAgainAt = 0;
  const refuse = () => {
    throw new PostgresAwayError(
      'a commit that was given up has not ended: a synchronous standby may be away',
    );
  };
  return {
    add: (pid) => pids.add(pid),
    check: () => {
      if (!isFound) return;
      if (performance.now() < askAgainAt) refuse();
      askAgainAt = performance.now() + ASK_AGAIN_MS;
    },
    admit: async (connection) => {
      if (pids.size === 0) return;
      const asked = [...pids];
      const { rows } = await connection.query<{ pid: number; is_committing: boolean }>(AT_WORK, [asked]);
      for (const pid of asked) pids.delete(pid);
      // One that is not at its commit yet may still get there.
      for (const { pid } of rows) pids.add(pid);
      isFound = rows.some((row) => row.is_committing);
      if (!isFound) return;
      askAgainAt = performance.now() + ASK_AGAIN_MS;
      refuse();
    },
  };
}
