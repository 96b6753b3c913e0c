// Which node behind a URL is trusted: the primary of the newest timeline that the process has seen, and no other.
//
// A failover makes a standby the primary of a higher timeline. The old primary may still be there, cut off or frozen, and
// would show what has since changed. docs/internals/failover.md has what follows from this.
import pg from 'pg';
import { PostgresAwayError, PostgresReadOnlyError } from './unreachable.ts';

/** A connection that can be closed at once, whatever it does. */
export interface GuardedConnection extends Pick<pg.ClientBase, 'query' | 'once'> {
  /** Closes it; what is under way on it fails with what is said. */
  destroy(why: string): void;
}

/** Decides once for each new connection whether its node may be used. */
export interface NodeGuard {
  /** Resolves when it may. Throws a PostgresAwayError where it may not, or what Postgres says. */
  admit(connection: GuardedConnection): Promise<void>;
  /** The highest timeline that a connection led to; 0 before the first one. */
  timeline(): number;
}

/** For connections that may lead to any node: a replica's, whose reads are checked one by one (docs/internals/replica.md). */
export const ANY_NODE: NodeGuard = { admit: async () => {}, timeline: () => 0 };

/** The name of a WAL file begins with the timeline, in 8 hexadecimal digits. A standby writes none. */
const ASK = `
  SELECT system_identifier::text AS system, CASE WHEN NOT pg_is_in_recovery()
    THEN substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) END AS timeline FROM pg_control_system()`;

/**
 * Creates the guard of all connections to one cluster.
 * @param onNewTimeline Called when a failover is noticed. Connections of older timelines are closed by then.
 */
export function createNodeGuard(onNewTimeline: (timeline: number) => void = () => {}): NodeGuard {
  let knownSystem: string | undefined;
  let newest = 0;
  const connections = new Map<GuardedConnection, number>();
  const advance = (timeline: number) => {
    const isFailover = newest > 0;
    newest = timeline;
    for (const [connection, older] of connections)
      if (older < timeline) connection.destroy(`a failover left its node behind: timeline ${older}`);
    if (isFailover) onNewTimeline(timeline);
  };
  return {
    admit: async (connection) => {
      const { rows } = await connection.query<{ system: string; timeline: string | null }>(ASK);
      const { system, timeline: written } = rows[0] ?? { system: '', timeline: null };
      knownSystem ??= system;
      if (system !== knownSystem)
        throw new PostgresAwayError('it is another cluster than before: its system identifier differs');
      if (written === null) throw new PostgresReadOnlyError('it takes no writes: it is a standby');
      const timeline = Number.parseInt(written, 16);
      if (timeline < newest)
        throw new PostgresAwayError(
          `it was left behind by a failover: its timeline is ${timeline}, and there is ${newest}`,
        );
      if (timeline > newest) advance(timeline);
      connections.set(connection, timeline);
      connection.once('end', () => connections.delete(connection));
    },
    timeline: () => newest,
  };
}

/**
 * Gives one guard for each host (or folder of a socket) and port of URLs as the driver reads them, whatever the login and the
 * database are.
 */
export function guardsByHost(onNewTimeline: (timeline: number) => void): (url: string) => NodeGuard {
  const guards = new Map<string, NodeGuard>();
  return (url) => {
    const { host, port } = new pg.Client(url);
    const address = `${host}:${port}`;
    const guard = guards.get(address) ?? createNodeGuard(onNewTimeline);
    guards.set(address, guard);
    return guard;
  };
}
