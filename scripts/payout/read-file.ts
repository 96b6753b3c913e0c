// Opens a file of payments, or stdin, and reads what is in it.
import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { MAX_PAYOUT_LINES } from '../../src/domain/payout.ts';
import { SetupError } from '../dev/program.ts';
import { readCsv } from './read-csv.ts';
import { readNdjson } from './read-ndjson.ts';
import type { Table } from './table.ts';

/** How a file is written. */
export type Format = 'csv' | 'ndjson';

/** Leaves room for what is put behind it, within the 128 characters of an idempotency key. */
export const LONGEST_KEY = 120;
/** Far more than 100,000 lines can take. */
const MOST_MIB = 128;
const BYTES_PER_MIB = 2 ** 20;

/** Reads a file, or stdin under the name `-`. Throws a SetupError in one line where there is nothing to be read. */
export async function readPayments(name: string, asked: string | undefined): Promise<Table> {
  const format = formatOf(name, asked);
  const bytes = await readAll(name);
  const text = decode(name, bytes);
  const table = format === 'csv' ? readCsv(text) : readNdjson(text);
  if (table.rows.length === 0 && table.complaints.length === 0) {
    throw new SetupError(`${shown(name)} has no lines to pay`);
  }
  if (table.rows.length > MAX_PAYOUT_LINES) {
    throw new SetupError(
      `${shown(name)} has more than 100,000 lines, the most that a payout takes; split it`,
    );
  }
  return table;
}

/**
 * The payout's idempotency key where nobody gave it one: a digest of the file's name without its folder. So a file that
 * was mended after some of its lines were paid is not taken for a new one. Names that some file systems do not tell apart
 * are one name: upper and lower case, and composed and decomposed letters (Unicode Standard Annex #15, NFC). Throws a
 * SetupError for the standard input, which has no name.
 */
export function keyOf(name: string): string {
  if (name === '-') throw new SetupError('the standard input has no name; give the payout one with --key');
  const folded = basename(name).normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
  return `file:${hash('sha256', folded, 'base64url')}`;
}

/** What a file is called in messages. */
export function shown(name: string): string {
  return name === '-' ? 'the standard input' : name;
}

function formatOf(name: string, asked: string | undefined): Format {
  if (asked === 'csv' || asked === 'ndjson') return asked;
  if (asked !== undefined) throw new SetupError(`--format takes csv or ndjson, not "${asked}"`);
  if (name === '-' || /\.csv$/i.test(name)) return 'csv';
  if (/\.(ndjson|jsonl)$/i.test(name)) return 'ndjson';
  throw new SetupError(`${name} ends in neither .csv, .ndjson nor .jsonl; say which with --format`);
}

async function readAll(name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of name === '-' ? process.stdin : createReadStream(name)) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > MOST_MIB * BYTES_PER_MIB)
        throw new SetupError(`${shown(name)} is larger than ${MOST_MIB} MiB`);
    }
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`${shown(name)} cannot be read: ${whyNot(error)}`);
  }
  return Buffer.concat(chunks);
}

function whyNot(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: 'there is no such file',
    EISDIR: 'it is a folder',
    EACCES: 'you may not read it',
  };
  return known[code ?? ''] ?? message;
}

/** UTF-8, with or without a byte order mark. */
function decode(name: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const decoded = new TextDecoder('utf-8').decode(bytes);
    const line = decoded.slice(0, decoded.indexOf('\ufffd')).split(/\r\n|\n|\r/).length;
    throw new SetupError(`${shown(name)}, line ${line}: is not UTF-8; save the file as UTF-8`);
  }
}
