// The logs: what the program does (app), what money did (transactions) and what ops did or was refused (audit), on stdout and each in its own file.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Act } from '../domain/act.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import type { Transfer } from '../domain/transfer.ts';
import { type AppLog, createAppLog } from './app-log.ts';
import { LineBuffer, type LineCounts } from './line-buffer.ts';
import { LogFile, outputTo } from './log-file.ts';
import { actLine, createEventIds, transactionLine } from './log-lines.ts';
import { makePrivateFolder } from './private-file.ts';
import type { LogLevel, LogStdout } from './variables.ts';

/** All logs. */
export interface Logs extends AsyncDisposable {
  readonly app: AppLog;
  /** One line for each transfer that was posted. */
  posted(transfer: Transfer, requestId: string, trace: TraceContext | undefined): void;
  /** One line for each line of the audit trail. */
  acted(act: Act): void;
  /** What became of the lines of each file, and of stdout. */
  counts(): Readonly<Record<string, LineCounts>>;
  /** Writes out what is still in memory, for good; gives up after a second, so that it cannot keep a process alive. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Where the logs go. */
export interface LogOptions {
  /** The folder of app.log, transactions.log and audit.log; none when undefined. */
  readonly folder: string | undefined;
  /** Which of them go to stdout. */
  readonly stdout: LogStdout;
  readonly level: LogLevel;
}

/** The logs, each by the name of its file. */
export const LOG_NAMES = ['app', 'transactions', 'audit'] as const;

const FLUSH_EVERY_MS = 200;
const CLOSE_WITHIN_MS = 1000;

/** Opens the logs. */
export function createLogs({ folder, stdout, level }: LogOptions): Logs {
  if (folder) makePrivateFolder(folder);
  const buffers = new Map<string, LineBuffer>();
  if (folder)
    for (const log of LOG_NAMES) buffers.set(log, new LineBuffer(new LogFile(join(folder, `${log}.log`))));
  if (stdout !== 'none') buffers.set('stdout', new LineBuffer(outputTo(1)));
  const outputsOf = (log: (typeof LOG_NAMES)[number]) => {
    const isOnStdout = stdout === 'all' || (stdout === 'app' && log === 'app');
    const names = isOnStdout ? [log, 'stdout'] : [log];
    return names.flatMap((name) => buffers.get(name) ?? []);
  };
  const timer = setInterval(() => {
    for (const buffer of buffers.values()) buffer.flush();
  }, FLUSH_EVERY_MS);
  const isSilent = level === 'silent';
  const transactions = isSilent ? [] : outputsOf('transactions');
  const audit = isSilent ? [] : outputsOf('audit');
  const nextId = createEventIds();
  return {
    app: createAppLog(level, outputsOf('app')),
    posted: (transfer, requestId, trace) => {
      if (transactions.length === 0) return;
      const line = transactionLine(transfer, requestId, trace);
      for (const output of transactions) output.write(line);
    },
    acted: (act) => {
      const line = actLine(act, nextId(), Date.now());
      for (const output of audit) output.write(line);
    },
    counts: () => Object.fromEntries([...buffers].map(([name, buffer]) => [name, buffer.counts])),
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      const ended = [...buffers.values()].map((buffer) => buffer.end());
      // A pipe that nobody reads takes nothing, for ever.
      await Promise.race([Promise.all(ended), sleep(CLOSE_WITHIN_MS)]);
    },
  };
}
