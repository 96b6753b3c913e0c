// What may be told of an error, by an allow list: messages, details and parameters of databases hold what people wrote.

/**
 * Our own code found something that it takes to be impossible. Its message is written by us and holds ids at most, so
 * logs and dead letters show it; of errors of any other kind they do not.
 */
export class InvariantError extends Error {
  override name = 'InvariantError';
}

/** What is told of an error. Every field is of a form that no value of a row, a request or a secret can take. */
export interface ErrorFields {
  /** The class of the error. */
  readonly type: string;
  /** SQLSTATE of Postgres, errno of Node, status of gRPC, or the first word of an answer of Redis. */
  readonly code?: string;
  /** Names of the database's own things, as Postgres gives them. */
  readonly constraint?: string;
  readonly table?: string;
  readonly column?: string;
  /** The function of Postgres that raised it. */
  readonly routine?: string;
  /** What the system was asked for, and where. */
  readonly syscall?: string;
  readonly address?: string;
  readonly port?: string;
  /** The reason of a refusal. */
  readonly reason?: string;
  /** Only where it is ours, or one of a library's fixed sentences. */
  readonly message?: string;
  /** Where it was thrown: frames alone, without the message that V8 puts before them. */
  readonly stack?: string;
  readonly cause?: ErrorFields;
}

/** The forms of the fields that are taken over from an error as they are. */
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

/** Sentences of libraries, and of parts that know nothing of InvariantError, that are the same whatever the call was. */
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

/** Errors of these classes are ours, and so are their words. */
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

/** What may be told of whatever was thrown. */
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

/** The same in one line without the stack, for columns, and for logs of what happens often. */
export function errorText(error: unknown): string {
  const lineOf = (fields: ErrorFields): string => {
    const { type, stack: _stack, cause, message, ...rest } = fields;
    const words = [type, ...Object.values(rest)].join(' ') + (message ? `: ${message}` : '');
    return cause ? `${words}, by ${lineOf(cause)}` : words;
  };
  return lineOf(errorFields(error));
}

/** For what prints or keeps whole errors by itself: an error that holds nothing but what may be told of another one. */
export function tellableError(error: unknown): Error {
  const told = new InvariantError(errorText(error));
  told.name = 'JobFailure';
  told.stack = `${told.name}: ${told.message}\n${errorFields(error).stack ?? ''}`;
  return told;
}

function typeOf(error: Error): string {
  // Drivers call theirs `error`, and their classes say more.
  const names = error.name === 'error' || error.name === 'Error' ? [error.constructor.name] : [error.name];
  return names.find((name) => typeof name === 'string' && TYPE.test(name)) ?? 'Error';
}

function isFixed(error: Error): boolean {
  if (typeof error.message !== 'string') return false;
  return OUR_TYPES.has(typeOf(error)) || FIXED_MESSAGES.some((form) => form.test(error.message));
}

/** The message goes first, and may look like frames: it is cut out before frames are looked for. */
function framesOf({ stack, message }: Error): string {
  if (typeof stack !== 'string') return '';
  const text = message ? stack.replaceAll(message, '') : stack;
  return text
    .split('\n')
    .filter((line) => FRAME.test(line))
    .slice(0, MAX_FRAMES)
    .join('\n');
}
