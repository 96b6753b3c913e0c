// As much of a server process as reads from a replica, over a primary and a replica.
import type pg from 'pg';
import { ANY_NODE } from '../../src/db/node-guard.ts';
import { createReplicaReader, type ReplicaReader } from '../../src/db/replica/index.ts';
import { createTestPool } from '../test-pool.ts';
import type { OwnReplica } from './own-replica.ts';
import { watched } from './watched-pool.ts';

/** So long the replica has for a read. */
export const TIMEOUT_MS = 300;
const LAG_MS = 60;

/** What a read found. */
export interface Reading {
  readonly isReplica: boolean;
  readonly hasNote: boolean;
}

export interface ReplicaServer {
  readonly reader: ReplicaReader;
  readonly states: string[];
  /** Whether a note is there, and which server said so. */
  read(note: number, sleepSeconds?: number): Promise<Reading>;
  close(): Promise<void>;
}

/** How a test has it otherwise. */
export interface Changes {
  /** What becomes of statements to the replica. */
  readonly change?: (text: string) => string;
  readonly capacity?: number;
  /** Waited for between what the primary answers and its delivery. */
  readonly deliver?: () => Promise<void>;
}

export function startReplicaServer(
  own: OwnReplica,
  { change = (text) => text, capacity = 64, deliver = async () => {} }: Changes,
): ReplicaServer {
  const states: string[] = [];
  const primary = createTestPool(own.primary.appUrl, { maxConnections: 4 });
  const replica = createTestPool(own.appUrl, {
    maxConnections: 4,
    guard: ANY_NODE,
    statementTimeoutMs: TIMEOUT_MS,
    giveUpMs: TIMEOUT_MS,
  });
  const reader = createReplicaReader({
    primary: delivering(primary, deliver),
    replica: watched(replica, () => {}, change),
    capacity,
    timeoutMs: TIMEOUT_MS,
    lagMs: LAG_MS,
    onStateChange: (state) => states.push(state),
  });
  const text = `SELECT pg_is_in_recovery() AS is_replica, EXISTS (SELECT FROM notes WHERE id = $1) AS has_note,
    pg_sleep($2)`;
  return {
    reader,
    states,
    read: (note, sleepSeconds = 0) =>
      reader.readFromReplica(async (db) => {
        const { rows } = await db.query<{ is_replica: boolean; has_note: boolean }>({
          name: 'read-note',
          text,
          values: [note, sleepSeconds],
        });
        return { isReplica: rows[0]?.is_replica === true, hasNote: rows[0]?.has_note === true };
      }),
    close: async () => {
      reader[Symbol.dispose]();
      await Promise.all([primary.end(), replica.end()]);
    },
  };
}

function delivering(pool: pg.Pool, deliver: () => Promise<void>): pg.Pool {
  const query = async (statement: pg.QueryConfig) => {
    const answer = await pool.query(statement);
    await deliver();
    return answer;
  };
  return new Proxy(pool, { get: (inner, name) => (name === 'query' ? query : Reflect.get(inner, name)) });
}
