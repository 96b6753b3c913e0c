// Connections to Postgres that speak SQL directly: for money, where every statement is ours.
import pg from 'pg';
import { BaseError, ConnectionAcquireTimeoutError } from 'sequelize';
import { IDLE_IN_TRANSACTION_MS, LOCK_WAIT_MS } from './timeouts.ts';

export type { Pool } from 'pg';

/** What a read needs that may go to any server: a pool is one, and so is a single connection. */
export interface Reader {
  query<Row extends pg.QueryResultRow>(statement: {
    readonly name: string;
    readonly text: string;
    readonly values: unknown[];
  }): Promise<pg.QueryResult<Row>>;
}

/** How to reach the database. */
export interface PoolOptions {
  readonly url: string;
  readonly maxConnections: number;
  /** A statement that runs longer is ended by Postgres. */
  readonly statementTimeoutMs: number;
  /** After so many milliseconds a connection or an answer is given up; otherwise only connections are, after 5 s. */
  readonly giveUpMs?: number;
  /** Settings of Postgres for each session, besides those that every pool has. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Told of errors on connections that nobody is using, for example when Postgres goes away. */
  readonly onIdleError: (error: Error) => void;
}

/**
 * For connections that run the ledger's few statements over and over. A statement is planned once a connection, because
 * planning costs more than a small batch itself; and since that plan may be made while a table is nearly empty, nothing
 * but an index is left to it: a batch never has a reason to read a whole table.
 */
export const LEDGER_SETTINGS = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  // A row that somebody else has locked must not hold up the calls that do not need it.
  lock_timeout: String(LOCK_WAIT_MS),
} as const;

/** Opens a pool. Statements on one connection are pipelined: sent without waiting for the answer to the one before. */
export function openPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections,
    pipeline: true,
    application_name: 'ppuri',
    connectionTimeoutMillis: options.giveUpMs ?? 5_000,
    query_timeout: options.giveUpMs,
    statement_timeout: options.statementTimeoutMs,
    // A server that hangs in the middle of a transaction must not hold its locks for good.
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    options: Object.entries(options.settings ?? {})
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  } as pg.PoolConfig);
  pool.on('error', options.onIdleError);
  // A connection may also be lost while somebody holds it and waits for something else. Their next statement fails then;
  // without a listener the whole process would.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** SQLSTATE of a Postgres error; undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** SQLSTATEs of statements that Postgres did not get to: too many connections, a lock or a statement that took too long. */
const NOT_NOW = ['53300', '55P03', '57014', '25P03'];

/** Whether an error says that Postgres cannot be reached, is going down or too busy, rather than that it refuses something. */
export function isUnreachable(error: unknown): error is Error {
  const state = sqlState(error);
  if (state !== undefined)
    return state.startsWith('08') || state.startsWith('57P') || NOT_NOW.includes(state);
  if (!(error instanceof Error)) return false;
  // Sequelize wraps what the driver says; where its own pool has nothing left, there is nothing wrapped.
  if (error instanceof BaseError && 'original' in error) return isUnreachable(error.original);
  if (error instanceof ConnectionAcquireTimeoutError) return true;
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== undefined && ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'].includes(code))
    return true;
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
    error.message,
  );
}
