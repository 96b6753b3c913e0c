// The two logs: what the program does (app) and what money did (transactions), each on stdout and in its own file.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { destination, type Logger, multistream, pino } from 'pino';
import type { LogLevel } from '../config.ts';
import type { Transfer } from '../domain/transfer.ts';

/** Both logs. */
export interface Logs {
  readonly app: Logger;
  /** One line for each transfer that was posted. */
  posted(transfer: Transfer, requestId: string): void;
  /** Writes out what is still in memory. */
  flush(): void;
}

/** What never stands in a log, wherever it turns up. */
const SECRETS = ['*.secret', '*.password', '*.authorization', '*.signature', '*.databaseUrl', '*.redisUrl'];

/** Opens the logs; without a folder they go to stdout alone. */
export function openLogs(folder: string | undefined, level: LogLevel): Logs {
  if (folder) mkdirSync(folder, { recursive: true });
  // Lines are gathered for a moment: a write for each would cost more than the transfer it tells of.
  const to = (file?: string) => destination({ dest: file ?? 1, sync: false, minLength: 4096, append: true });
  const stdout = to();
  const files = folder ? [to(join(folder, 'app.log')), to(join(folder, 'transactions.log'))] : [];
  const open = (name: string, file: ReturnType<typeof to> | undefined, from: LogLevel) => {
    const streams = [stdout, ...(file ? [file] : [])].map((stream) => ({ stream, level: 'trace' as const }));
    const options = { base: { log: name, pid: process.pid }, level: from, redact: SECRETS, timestamp: pino.stdTimeFunctions.isoTime };
    return pino({ ...options, formatters: { level: (label: string) => ({ level: label }) } }, multistream(streams));
  };
  const app = open('app', files[0], level);
  const transactions = open('transactions', files[1], level === 'silent' ? 'silent' : 'info');
  const flush = () => {
    for (const stream of [stdout, ...files]) stream.flushSync();
  };
  const timer = setInterval(() => {
    for (const stream of [stdout, ...files]) stream.flush();
  }, 200);
  timer.unref();
  return { app, posted: (transfer, requestId) => transactions.info(lineOf(transfer, requestId), 'posted'), flush };
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
    postedAt: new Date(transfer.createdAt / 1000).toISOString(),
  };
}
