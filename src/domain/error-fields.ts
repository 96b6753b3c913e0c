// The fields of an error that may be logged, by an allow list: messages, details and parameters may hold users' data.

/**
 * A broken invariant: our code found something that should be impossible. Its message is ours and holds ids at most, so logs
 * and dead letters show it. They don't show the messages of other errors.
 */
export class InvariantError extends Error {
  override name = 'InvariantError';
}

/** What is logged of an error. No field can hold a value of a row, a request or a secret. */
export interface ErrorFields {
  /** The class of the error. */
  readonly type: string;
  /** A SQLSTATE, an errno, a gRPC status, or the first word of a Redis reply. */
  readonly code?: string;
  /** Names of database objects, as Postgres reports them. */
  readonly constraint?: string;
  readonly table?: string;
  readonly column?: string;
  /** The function inside Postgres that raised it. */
  readonly routine?: string;
  /** The system call that failed, and its target. */
  readonly syscall?: string;
  readonly address?: string;
  readonly port?: string;
  /** The reason of a refusal. */
  readonly reason?: string;
  /** Only if it is ours, or a fixed text of a library. */
  readonly message?: string;
  /** The stack frames, without the message that V8 puts before them. */
  readonly stack?: string;
  readonly cause?: ErrorFields;
}

/** The patterns of fields that are copied from an error as they are. */
const FORMS = {
  code: /^(?:[0-9A-Z]{5}|[A-Z][A-Z0-9_]{1,39}|\d{1,3})$/,
  constraint: /^[a-z_][a-z0-9_]{0,62}$/,
  table: /^[a-z_][a-z0-9_]{0,62}$/,
  column: /^[a-z_][a-z0-9_]{0,62}$/,
  routine: /^[A-Za-z_]\w{0,62}$/,
  syscall: /^[a-z_]{1,20}$/,
  address: /^[0-9a-fA-F:.]{2,45}$/,
  port: /^\d{1,5}$/,
  reason: /^[A-Z][A-Z_]{1,60}$/,
} as const;

const TYPE = /^[A-Za-z]\w{0,60}$/;

/** Fixed texts of libraries, and of code that cannot import InvariantError. */
const FIXED_MESSAGES = [
  /^Connection terminated(?: unexpectedly| due to connection timeout)?$/,
  /^timeout exceeded when trying to connect$/,
  /^Client (?:has encountered a connection error|was closed) and is not queryable$/,
  /^Query read timeout$/,
  /^Connection is closed\.$/,
  /^Command timed out$/,
  /^Stream isn't writeable and enableOfflineQueue options is false$/,
  /^Reached the max retries per request limit \(which is \d+\)\. Refer to "maxRetriesPerRequest" option for details\.$/,
  /^the breaker is open$/,
  /^too many calls are under way$/,
  /^no answer within \d+ ms$/,
  // Postgres', about the server, the session or the schema.
  /^terminating connection due to [a-z -]{1,60}$/,
  /^canceling statement due to (?:statement timeout|lock timeout|user request|conflict with recovery)$/,
  /^the database system is (?:starting up|shutting down|in recovery mode|not yet accepting connections)$/,
  /^sorry, too many clients already$/,
  /^deadlock detected$/,
  /^permission denied for (?:table|schema|function|sequence|database) [a-z0-9_]{1,63}$/,
  /^password authentication failed for user "[a-z0-9_]{1,63}"$/,
  /^cannot execute [A-Z ]{1,30} in a read-only transaction$/,
];

/** Classes of our own errors, whose messages are ours too. */
const OUR_TYPES = new Set([
  'InvariantError',
  'JobFailure',
  'Refusal',
  'BookMovedError',
  'BehindError',
  'PostgresAwayError',
]);

const FRAME = /^ {4}at (?:(?:async |new )*[\w$.<>[\] #]+ \()?(?:file:\/\/\/|node:|\/)[^\s()]*:\d+:\d+\)?$/;
const MAX_FRAMES = 12;
const MAX_CAUSES = 3;

/** The loggable fields of anything that was thrown. */
export function errorFields(error: unknown, causesLeft = MAX_CAUSES): ErrorFields {
  if (!(error instanceof Error)) return { type: typeof error };
  const raw = error as Error & Record<string, unknown>;
  const fields: Record<string, unknown> = { type: typeOf(error) };
  for (const [name, form] of Object.entries(FORMS)) {
    const value = raw[name];
    const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    if (form.test(text)) fields[name] = text;
  }
  const [redisCode] = /^[A-Z]{2,20}(?= )/.exec(error.message) ?? [];
  if (fields.type === 'ReplyError' && redisCode) fields.code = redisCode;
  if (isFixed(error)) fields.message = error.message;
  const stack = framesOf(error);
  if (stack) fields.stack = stack;
  // Sequelize keeps what the driver said as `original`; an AggregateError stands for several of a kind.
  const cause = raw.cause ?? raw.original ?? (raw.errors as unknown[] | undefined)?.[0];
  if (cause instanceof Error && causesLeft > 0) fields.cause = errorFields(cause, causesLeft - 1);
  return fields as unknown as ErrorFields;
}

/** The same in one line without the stack, for database columns and for frequent log lines. */
export function errorText(error: unknown): string {
  return fieldsText(errorFields(error));
}

/** Loggable fields in one line, without the stack. */
export function fieldsText({ type, stack: _stack, cause, message, ...rest }: ErrorFields): string {
  const words = [type, ...Object.values(rest)].join(' ') + (message ? `: ${message}` : '');
  return cause ? `${words}, by ${fieldsText(cause)}` : words;
}

/** An error with nothing but the loggable fields of another one, for libraries that print or store whole errors. */
export function tellableError(error: unknown): Error {
  const told = new InvariantError(errorText(error));
  told.name = 'JobFailure';
  told.stack = `${told.name}: ${told.message}\n${errorFields(error).stack ?? ''}`;
  return told;
}

function typeOf(error: Error): string {
  // Drivers name theirs `error`; their class says more.
  const names = error.name === 'error' || error.name === 'Error' ? [error.constructor.name] : [error.name];
  return names.find((name) => typeof name === 'string' && TYPE.test(name)) ?? 'Error';
}

function isFixed(error: Error): boolean {
  if (typeof error.message !== 'string') return false;
  return OUR_TYPES.has(typeOf(error)) || FIXED_MESSAGES.some((form) => form.test(error.message));
}

/** The message comes first and may look like frames, so it is removed before frames are searched. */
function framesOf({ stack, message }: Error): string {
  if (typeof stack !== 'string') return '';
  const text = message ? stack.replaceAll(message, '') : stack;
  return text
    .split('\n')
    .filter((line) => FRAME.test(line))
    .slice(0, MAX_FRAMES)
    .join('\n');
}
