// A writer of single rows through a door: which of its commits were answered, so that a test can tell whether one was lost.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** Runs one statement on a connection of its own. */
export async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 2_000,
    query_timeout: 5_000,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query(sql)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

/** A writer that runs. */
export interface Writer {
  /** Ends it; the ids whose commits were answered. */
  stop(): Promise<number[]>;
  /** How many commits were answered so far. */
  answered(): number;
}

/** Writes one row after the other through a door until it is stopped. */
export function startWriter(url: string, from: number): Writer {
  const answered: number[] = [];
  let isStopped = false;
  const write = async () => {
    for (let id = from; !isStopped; id++) {
      const rows = await ask(url, `INSERT INTO written VALUES (${id}) RETURNING id`).catch(() => undefined);
      if (rows) answered.push(id);
      else await sleep(20);
    }
  };
  const writing = write();
  return {
    answered: () => answered.length,
    stop: async () => {
      isStopped = true;
      await writing;
      return answered;
    },
  };
}

/** Every commit that was answered is there. */
export async function assertNothingLost(url: string, answered: readonly number[]): Promise<void> {
  const rows = await ask(url, 'SELECT id FROM written');
  const there = new Set(rows.map(({ id }) => id));
  assert.deepEqual(
    answered.filter((id) => !there.has(id)),
    [],
  );
}
