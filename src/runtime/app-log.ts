// The log `app`: what a program does, in Elastic Common Schema. Anybody may log through it, so secrets and texts that people
// wrote are kept out here, and the names of its fields are a closed list.
import { type Logger, type LoggerOptions, multistream, pino } from 'pino';
import { type ErrorFields, errorFields, errorText, fieldsText } from '../domain/error-fields.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import type { LineBuffer } from './line-buffer.ts';
import { createEventIds, ECS_VERSION } from './log-lines.ts';
import { traceFields } from './tracing.ts';
import type { LogLevel } from './variables.ts';

/** The fields that code may log, and what each is called in the line; docs/logs.md explains them. */
export const APP_FIELDS = {
  /** An error; it becomes error.type, error.code and so on. */
  err: 'error',
  accountIds: 'ppuri.account_ids',
  board: 'ppuri.board',
  cause: 'event.reason',
  clientAddress: 'client.address',
  count: 'ppuri.count',
  drainMs: 'ppuri.drain_ms',
  fault: 'ppuri.fault',
  faults: 'ppuri.fault_count',
  grpcPort: 'ppuri.grpc_port',
  isDone: 'ppuri.is_done',
  job: 'ppuri.job',
  keyId: 'ppuri.key.id',
  longestLagMs: 'ppuri.longest_lag_ms',
  month: 'ppuri.month',
  opsPort: 'ppuri.ops_port',
  path: 'ppuri.rpc',
  reason: 'event.reason',
  requestId: 'http.request.id',
  state: 'ppuri.state',
  tookMs: 'ppuri.took_ms',
  /** A TraceContext; it becomes trace.id and span.id. */
  trace: 'trace',
  transfers: 'ppuri.transfer_count',
  waiting: 'ppuri.waiting',
  what: 'ppuri.what',
} as const;

/** What a line may say besides its message. */
export type AppFields = { readonly [Name in keyof typeof APP_FIELDS]?: unknown };

interface Log {
  (fields: AppFields, message: string): void;
  (message: string): void;
}

/** The log `app`. */
export type AppLog = Readonly<Record<Exclude<LogLevel, 'silent'>, Log>>;

/** Opens it on these outputs. */
export function createAppLog(level: LogLevel, outputs: readonly LineBuffer[]): AppLog {
  const nextId = createEventIds();
  return pino(
    {
      ...GUARDS,
      level,
      messageKey: 'message',
      timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
      base: {
        'ecs.version': ECS_VERSION,
        'service.name': 'ppuri',
        'event.dataset': 'ppuri.app',
        'process.pid': process.pid,
      },
      mixin: () => ({ 'event.id': nextId() }),
      formatters: { level: (label) => ({ 'log.level': label }), log: inSchema },
    },
    multistream(outputs.map((stream) => ({ stream, level: 'trace' }))),
  );
}

/** Fields that are removed from every line. */
const SECRETS = [
  '*.secret',
  '*.password',
  '*.authorization',
  '*.signature',
  '*.databaseUrl',
  '*.redis.url',
  '*.redis.sentinelPassword',
];

/** Keeps secrets, and texts that people wrote, out. */
const GUARDS: Pick<LoggerOptions, 'redact' | 'serializers' | 'hooks'> = {
  redact: SECRETS,
  // For the fields of child loggers, which inSchema does not see.
  serializers: { err: errorFields },
  hooks: {
    // pino would use an error's message as the line's own, and write out every field of an error that is not called `err`.
    logMethod(args, method) {
      const [first, ...rest] = args as unknown[];
      const isLone = typeof first !== 'string' && rest.length === 0;
      const told = [withoutErrors(first instanceof Error ? { err: first } : first), ...rest.map(inWords)];
      method.apply(this, (isLone ? [...told, 'told'] : told) as Parameters<Logger['info']>);
    },
  },
};

/** The same fields by the names that they have in the schema. */
function inSchema(fields: Record<string, unknown>): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'err') Object.assign(named, errorInSchema(errorFields(value)));
    else if (name === 'trace') Object.assign(named, traceFields(value as TraceContext | undefined));
    else named[schemaName(name)] = value;
  }
  return named;
}

function schemaName(name: string): string {
  if (name in APP_FIELDS) return APP_FIELDS[name as keyof typeof APP_FIELDS];
  // Those of `base` have their names already.
  return name.includes('.') ? name : `ppuri.${name}`;
}

/** The loggable fields of an error by the names that they have in the schema. */
export function errorInSchema({ type, message, stack, ...rest }: ErrorFields): Record<string, unknown> {
  const { code, ...details } = detailsOf(rest);
  const own = Object.entries(details).map(([name, value]) => [`ppuri.error.${name}`, value] as const);
  const { cause } = rest;
  return {
    'error.type': type,
    'error.code': code,
    'error.message': message,
    'error.stack_trace': stack,
    ...Object.fromEntries(own),
    ...(cause && { 'ppuri.error.cause': fieldsText(cause), 'ppuri.error.cause_stack_trace': cause.stack }),
  };
}

/** What is known of an error or else of its cause: a library wraps what the driver below it said. */
function detailsOf(fields: Partial<ErrorFields>): Omit<ErrorFields, 'type' | 'message' | 'stack' | 'cause'> {
  const { type: _type, message: _message, stack: _stack, cause, ...own } = fields;
  return { ...(cause && detailsOf(cause)), ...own };
}

/** How many levels deep errors are found in what is logged. */
const LEVELS = 3;

/** Replaces every error in what is logged by the fields that may be shown; `err` at the top is left to inSchema. */
function withoutErrors(value: unknown, levels = LEVELS): unknown {
  if (value instanceof Error) return errorFields(value);
  if (levels === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => withoutErrors(element, levels - 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const isErr = name === 'err' && levels === LEVELS;
      return [name, isErr ? field : withoutErrors(field, levels - 1)];
    }),
  );
}

/** What a message's placeholders are filled with. */
function inWords(value: unknown): unknown {
  return value instanceof Error ? errorText(value) : withoutErrors(value);
}
