// The logs: what the program does (app), what money did (transactions) and what ops did or was refused (audit), on stdout and each in its own file.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, type LoggerOptions, multistream, pino } from 'pino';
import type { Act } from '../domain/act.ts';
import { errorFields, errorText } from '../domain/error-fields.ts';
import type { Transfer } from '../domain/transfer.ts';
import { bufferLines, type LineBuffer } from './line-buffer.ts';
import { makePrivateFolder } from './private-file.ts';
import type { LogLevel, LogStdout } from './variables.ts';

/** All logs. */
export interface Logs extends AsyncDisposable {
  readonly app: Logger;
  /** One line for each transfer that was posted. */
  posted(transfer: Transfer, requestId: string): void;
  /** One line for each line of the audit trail. */
  acted(act: Act): void;
  /** Writes out what is still in memory, for good; gives up after a second, so that it cannot keep a process alive. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Fields that are removed from every log line. */
const SECRETS = ['*.secret', '*.password', '*.authorization', '*.signature', '*.databaseUrl', '*.redisUrl'];

/** Where the logs go. */
export interface LogOptions {
  /** The folder of app.log, transactions.log and audit.log; none when undefined. */
  readonly folder: string | undefined;
  /** Which of them go to stdout. */
  readonly stdout: LogStdout;
  readonly level: LogLevel;
}

const FLUSH_EVERY_MS = 200;
const CLOSE_WITHIN_MS = 1000;

/** Opens the logs. */
export function createLogs({ folder, stdout, level }: LogOptions): Logs {
  if (folder) makePrivateFolder(folder);
  const shared = stdout === 'none' ? [] : [bufferLines(1)];
  const app = [...shared, ...(folder ? [bufferLines(join(folder, 'app.log'))] : [])];
  const transactions = [
    ...(stdout === 'all' ? shared : []),
    ...(folder ? [bufferLines(join(folder, 'transactions.log'))] : []),
  ];
  const audit = [
    ...(stdout === 'all' ? shared : []),
    ...(folder ? [bufferLines(join(folder, 'audit.log'))] : []),
  ];
  const streams = new Set([...app, ...transactions, ...audit]);
  const timer = setInterval(() => {
    for (const stream of streams) stream.flush();
  }, FLUSH_EVERY_MS);
  // lineOf names the fields of a transfer's line one by one, so nothing has to be removed from it.
  const posted = open('transactions', transactions, level === 'silent' ? 'silent' : 'info', {});
  const acted = open('audit', audit, level === 'silent' ? 'silent' : 'info', {});
  return {
    app: open('app', app, level, GUARDS),
    posted: (transfer, requestId) => posted.info(lineOf(transfer, requestId), 'posted'),
    acted: (act) => acted.info(withoutBigints(act), act.outcome),
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      // Not flushSync: it never returns when nobody reads the other end of stdout.
      const drained = [...streams].map((stream) => stream.drain());
      await Promise.race([Promise.all(drained), sleep(CLOSE_WITHIN_MS)]);
    },
  };
}

/** Keeps secrets, and texts that people wrote, out of the log `app`, which accepts any object. */
const GUARDS: Pick<LoggerOptions, 'redact' | 'serializers' | 'hooks'> = {
  redact: SECRETS,
  serializers: { err: errorFields },
  hooks: {
    // pino would use an error's message as the line's own, and write out every field of an error that is not called `err`.
    logMethod(args, method) {
      const [first, ...rest] = args as unknown[];
      const isLone = typeof first !== 'string' && rest.length === 0;
      const told = [withoutErrors(first instanceof Error ? { err: first } : first), ...rest.map(inWords)];
      method.apply(this, (isLone ? [...told, 'told'] : told) as Parameters<typeof method>);
    },
  },
};

function open(name: string, streams: readonly LineBuffer[], level: LogLevel, guards: LoggerOptions): Logger {
  return pino(
    {
      ...guards,
      base: { log: name, pid: process.pid },
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    multistream(streams.map((stream) => ({ stream, level: 'trace' }))),
  );
}

/** How many levels deep errors are found in what is logged. */
const LEVELS = 3;

/** Replaces every error in what is logged by the fields that may be shown; `err` at the top is left to its serializer. */
function withoutErrors(value: unknown, levels = LEVELS): unknown {
  if (value instanceof Error) return errorFields(value);
  if (levels === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => withoutErrors(element, levels - 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const isSerialized = name === 'err' && levels === LEVELS;
      return [name, isSerialized ? field : withoutErrors(field, levels - 1)];
    }),
  );
}

/** What a message's placeholders are filled with. */
function inWords(value: unknown): unknown {
  return value instanceof Error ? errorText(value) : withoutErrors(value);
}

/** The target of an act may hold user ids, which are bigints. */
function withoutBigints(act: Act): object {
  return JSON.parse(
    JSON.stringify(act, (_key, value) => (typeof value === 'bigint' ? String(value) : value)),
  );
}

/** Amounts are text: JSON numbers lose digits beyond 2^53. */
function lineOf(transfer: Transfer, requestId: string) {
  return {
    requestId,
    transferId: transfer.id,
    kind: transfer.kind,
    currency: transfer.currency,
    amount: transfer.amount.toString(),
    debitAccountId: transfer.debitAccountId,
    creditAccountId: transfer.creditAccountId,
    debitBalanceAfter: transfer.debitBalanceAfter.toString(),
    creditBalanceAfter: transfer.creditBalanceAfter.toString(),
    sprinkleId: transfer.sprinkleId,
    keyId: transfer.keyId,
    postedAt: new Date(transfer.createdAt / 1000).toISOString(),
  };
}
