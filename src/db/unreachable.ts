// Which errors say that Postgres cannot be reached or cannot work, rather than that it refuses something.
import pg from 'pg';

/** Postgres, or a part of it that calls need, does not do its work. Its message is ours, and readiness shows it. */
export class PostgresAwayError extends Error {
  override name = 'PostgresAwayError';
}

/** Postgres answers, and takes no writes. */
export class PostgresReadOnlyError extends PostgresAwayError {}

/** SQLSTATE of a Postgres error; undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** SQLSTATE: a lock was not granted within lock_timeout, or at once with NOWAIT. */
export const LOCK_NOT_AVAILABLE = '55P03';

/** SQLSTATE: a statement took too long, or an administrator ended it. */
export const QUERY_CANCELED = '57014';

/*
 * SQLSTATEs (PostgreSQL documentation, appendix A) that a later try, or another server, may do without. After all of them
 * nothing of the transaction is done, but for those that cut off a COMMIT (08, 57P, 40003), where nobody knows.
 * XX (corrupted data, faults of Postgres itself) is not among them: trying again does not help, and somebody has to look.
 */
const CLASSES = [
  '08', // the connection is lost
  '28', // the login is refused: a password or a rule of access was changed
  '53', // no room: disk, memory, connections
  '57P', // shutting down, starting up, crashed
  '58', // the system below fails: files cannot be read or written
];
const STATES = new Set([
  '25006', // read-only: a standby, or a primary that was made so
  '25P03', // this session was idle in a transaction for too long
  '25P04', // this transaction took too long
  '3D000', // the database is not there
  '40001', // serialization failure, where it was not run again
  '40003', // whether a statement was completed is not known
  '40P01', // deadlock, where it was not run again
  '55000', // a standby was asked for what only a primary has, such as its position in the log
  LOCK_NOT_AVAILABLE,
  QUERY_CANCELED,
]);

/** What Node says of sockets, names and certificates; the other errors name their system call. */
const NETWORK =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|E(HOST|NET)\w+|EAI_\w+|EADDRNOTAVAIL|EMFILE|ENFILE|ENOBUFS|ENOTCONN|ESHUTDOWN|EPROTO|ERR_(TLS|SSL|SOCKET|STREAM)_\w+|CERT_\w+|\w+_CERT(_\w+)?|UNABLE_TO_\w+)$/;
const NETWORK_CALLS = new Set(['connect', 'getaddrinfo']);

/** What the drivers say in words alone. */
const WORDS =
  /^Connection terminated|^timeout exceeded when trying to connect|^timeout expired|^Query read timeout|is not queryable|^Cannot use a pool after|after the connection manager was closed|SSL connection|^SASL|^Received unexpected \w+ message from backend|^Connection timed out/;

/**
 * The ConnectionError of sequelize and all kinds of it, by name: a worker would load its 230 files for these classes alone.
 */
const SEQUELIZE_CONNECTION = /^Sequelize(AccessDenied|Connection\w*|Host\w+|InvalidConnection)Error$/;

/** Whether it is what the driver says of an answer that did not come in time. */
export function isUnanswered(error: unknown): error is Error {
  return error instanceof Error && error.message === 'Query read timeout';
}

/** Whether an error says that Postgres cannot be reached, is going down, too busy or read-only: callers may try again. */
export function isUnreachable(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (error instanceof PostgresAwayError) return true;
  const state = sqlState(error);
  if (state !== undefined) return STATES.has(state) || CLASSES.some((start) => state.startsWith(start));
  // Sequelize wraps what the driver says; where its own pool has nothing left, there is nothing wrapped.
  if (SEQUELIZE_CONNECTION.test(error.name)) return true;
  if ('original' in error) return isUnreachable(error.original);
  // Where a name has several addresses, each has its error.
  if (error instanceof AggregateError && error.errors.some(isUnreachable)) return true;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && (NETWORK.test(code) || NETWORK_CALLS.has(syscall ?? ''))) return true;
  return WORDS.test(error.message);
}

/** Whether an error says that Postgres takes no writes. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof PostgresReadOnlyError || sqlState(error) === '25006';
}
