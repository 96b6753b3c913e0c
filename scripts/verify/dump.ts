// Writes the log as lines of JSON, for verifiers that don't speak to the database: the checkpoints, then a line for each leaf.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { TransferPlaces } from '../../src/db/archive/index.ts';
import { lastCheckpoint, listCheckpoints } from '../../src/db/transparency/index.ts';
import { readLog } from './ledger-log.ts';
import type { LogEntry, LoggedTransfer } from './log.ts';

/** Leaves whose checkpoints are read at a time. */
const SPAN = 1_000_000;

/** Writes it into a new file, which only its owner may read; returns how many leaves it has. */
export async function dumpLog(places: TransferPlaces, path: string): Promise<number> {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  await once(file, 'open');
  const write = async (lines: readonly object[]) => {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    if (!file.write(text)) await once(file, 'drain');
  };
  const last = await lastCheckpoint(places.reads);
  for (let above = 0; above < (last?.size ?? 0); above += SPAN) {
    const notes = await listCheckpoints(places.reads, above, above + SPAN);
    await write(notes.map((checkpoint) => ({ checkpoint })));
  }
  let leaves = 0;
  for await (const entries of readLog(places)) {
    await write(entries.map(lineOf));
    leaves += entries.length;
  }
  file.end();
  await once(file, 'close');
  return leaves;
}

function lineOf({ leaf, transfer, debitSalt, creditSalt, storedHash }: LogEntry) {
  return {
    leaf,
    transfer: transfer ? partsOf(transfer) : null,
    debit_salt: Buffer.from(debitSalt).toString('base64'),
    credit_salt: Buffer.from(creditSalt).toString('base64'),
    stored_hash: Buffer.from(storedHash).toString('hex'),
  };
}

function partsOf({ id, kind, currency, amount, createdAt, debit, credit }: LoggedTransfer) {
  return {
    ...{ id, kind, currency },
    amount: amount.toString(),
    time: createdAt.toString(),
    debit_user_id: debit.userId?.toString() ?? '',
    debit_account_id: debit.accountId,
    credit_user_id: credit.userId?.toString() ?? '',
    credit_account_id: credit.accountId,
  };
}
