// Lends connections of a pool, one transaction at a time, for work that does something else between its statements.
import type { Pool, PoolClient } from 'pg';
import { isUnreachable, sqlState } from './unreachable.ts';

/**
 * Lends a connection. Where the work throws, what it left open is rolled back and the same is thrown; a connection that cannot even
 * do that is closed.
 */
export async function withConnection<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    return await work(client);
  } catch (error) {
    // A COMMIT that followed an error has rolled back.
    const isOver = sqlState(error) !== undefined && client.getTransactionStatus() === 'I';
    if (!isOver) {
      await client.query('ROLLBACK').catch((rollbackError: Error) => {
        // The pool goes by it: where no answer came, it closes its idle connections, too (pool.ts).
        broken = sqlState(error) === undefined && isUnreachable(error) ? error : rollbackError;
      });
    }
    throw error;
  } finally {
    client.release(broken);
  }
}

/** Runs work in a transaction and commits it; if it throws, rolls back and throws the same. */
export function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return withConnection(pool, async (client) => {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  });
}
