// Lends connections of a pool, one transaction at a time, for work that does something else between its statements.
import pg from 'pg';
import { isUnanswered } from './unreachable.ts';

/** Lends a connection. What the work leaves open is rolled back; a connection that cannot even do that is closed. */
export async function withConnection<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let failure: unknown;
  try {
    return await work(client);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    client.release(isQuiet(client, failure) ? undefined : await rollBack(client, failure));
  }
}

/** Whether no transaction is open: also after a COMMIT that followed an error, but not where Postgres ends the session (FATAL). */
function isQuiet(client: pg.PoolClient, failure: unknown): boolean {
  const isAnswer = failure instanceof pg.DatabaseError && failure.severity !== 'FATAL';
  return (failure === undefined || isAnswer) && client.getTransactionStatus() === 'I';
}

/** Returns why the connection has to be closed, as the pool goes by it: where no answer came, it closes its idle ones, too. */
async function rollBack(client: pg.PoolClient, failure: unknown): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return (isUnanswered(failure) ? failure : error) as Error;
  }
}

/** Runs work in a transaction and commits it; if it throws, rolls back and throws the same. */
export function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return withConnection(pool, async (client) => {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  });
}
