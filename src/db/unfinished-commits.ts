// Commits that go on although their connection is closed.
//
// A COMMIT waits for the synchronous standby even when its client has given up, and until the standby is back nothing ends that
// wait but an operator. A pool that opened another session in place of each one that hangs would take all of Postgres'
// connections while the standby is away.
import type pg from 'pg';
import { PostgresAwayError } from './unreachable.ts';

/** Keeps a pool from opening sessions while one that it gave up still commits. */
export interface UnfinishedCommits {
  /** Notes a session whose connection is closed. */
  add(pid: number): void;
  /** Throws a PostgresAwayError where one was found at its commit less than ASK_AGAIN_MS ago. */
  check(): void;
  /** Asks over a new connection. Throws a PostgresAwayError while one is at its commit, or what Postgres says. */
  admit(connection: Pick<pg.ClientBase, 'query'>): Promise<void>;
}

/** How long connections are refused without asking Postgres, which starts a process for each that asks. */
const ASK_AGAIN_MS = 500;

/** A slow COMMIT may only be on its way to the wait. A statement by itself is seen at its commit once it waits. */
const COMMITTING = `
  SELECT pid FROM pg_stat_activity
  WHERE pid = ANY ($1::int[]) AND state = 'active' AND (wait_event = 'SyncRep' OR query ILIKE 'COMMIT%')`;

/** Creates what the connections of one pool share. */
export function createUnfinishedCommits(): UnfinishedCommits {
  const pids = new Set<number>();
  let refusedUntil = 0;
  const refuse = () => {
    throw new PostgresAwayError(
      'a commit that was given up has not ended: a synchronous standby may be away',
    );
  };
  return {
    add: (pid) => pids.add(pid),
    check: () => {
      if (performance.now() < refusedUntil) refuse();
    },
    admit: async (connection) => {
      if (pids.size === 0) return;
      const asked = [...pids];
      const { rows } = await connection.query<{ pid: number }>(COMMITTING, [asked]);
      for (const pid of asked) pids.delete(pid);
      for (const { pid } of rows) pids.add(pid);
      if (rows.length === 0) return;
      refusedUntil = performance.now() + ASK_AGAIN_MS;
      refuse();
    },
  };
}
