// Reads a file of payments, or stdin, as CSV or NDJSON: its rows, as text by column, and its problems.
import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { CsvError } from 'csv-parse';
import { type Info, parse } from 'csv-parse/sync';
import { MAX_PAYOUT_LINES } from '../../src/domain/payout.ts';
import { SetupError } from '../cli/program.ts';

/** The format of a file. */
export type Format = 'csv' | 'ndjson';

/** Leaves room for suffixes within the 128 characters of an idempotency key. */
export const LONGEST_KEY = 120;
/** Far more than 100,000 lines need. */
const MOST_MIB = 128;
const BYTES_PER_MIB = 2 ** 20;

/** Reads a file, or stdin if its name is `-`. Throws a SetupError of one line when nothing can be read. */
export async function readPayments(name: string, asked: string | undefined): Promise<Table> {
  const format = formatOf(name, asked);
  const bytes = await readAll(name);
  const text = decode(name, bytes);
  const table = format === 'csv' ? readCsv(text) : readNdjson(text);
  if (table.rows.length === 0 && table.problems.length === 0) {
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
 * The default idempotency key of a payout: a digest of the file's name without its folder. So a file that was corrected
 * after some of its lines were paid is not a new payout. Names that some file systems treat alike give one key: upper and
 * lower case, and composed and decomposed letters (Unicode Standard Annex #15, NFC). Throws a SetupError for stdin.
 */
export function keyOf(name: string): string {
  if (name === '-') throw new SetupError('the standard input has no name; give the payout one with --key');
  const folded = basename(name).normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
  return `file:${hash('sha256', folded, 'base64url')}`;
}

/** The name of a file in messages. */
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
    throw new SetupError(`${shown(name)} cannot be read: ${reasonOf(error)}`);
  }
  return Buffer.concat(chunks);
}

function reasonOf(error: unknown): string {
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

/** The columns of a file. */
const COLUMNS = ['user_id', 'wallet_id', 'amount', 'currency', 'key', 'memo'] as const;

/** The name of a column. */
export type Column = (typeof COLUMNS)[number];

/** A row of a file. */
export interface Row {
  /** The number of its line, as an editor counts: from 1 on, header and empty lines included. */
  readonly line: number;
  /** Its fields as they are written, without the empty ones. */
  readonly fields: Readonly<Partial<Record<Column, string>>>;
}

/** A problem in a file. */
export interface Problem {
  readonly line: number;
  /** Undefined when the problem is not in one column. */
  readonly column?: string | undefined;
  readonly message: string;
}

/** The rows of a file and its problems. */
export interface Table {
  readonly rows: readonly Row[];
  readonly problems: readonly Problem[];
}

/** A column by its name. */
function isColumn(name: string): name is Column {
  return COLUMNS.some((column) => column === name);
}

/** The problem of an unknown column. */
function unknownColumn(line: number, name: string): Problem {
  const shown = name === '' ? 'a column without a name' : `an unknown column ${quoted(name)}`;
  return { line, message: `${shown}; there are ${COLUMNS.join(', ')}` };
}

const INVISIBLE = /[\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u00a0\u115f\u1160\u3164\uffa0]/gu;

/** Text of a file for a message: in quotes, on one line, and shortened. */
export function quoted(text: string): string {
  const most = 40;
  const short = JSON.stringify(text.length > most ? `${text.slice(0, most)}…` : text);
  // Invisible characters (a zero-width space, a bidirectional mark) are shown as code points.
  return short.replace(INVISIBLE, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}

/** Separators that spreadsheets write in some countries. */
const SEPARATORS = [
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'vertical bars'],
] as const;

interface Parsed {
  readonly record: readonly string[];
  readonly info: Info;
}

/** Reads CSV (RFC 4180) with a header. Skips empty lines and trims fields; text that is not CSV is one problem. */
function readCsv(text: string): Table {
  let lastLine = 0;
  try {
    const parsed = parse(text, {
      info: true,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      // So that every line with a wrong number of fields is reported, not only the first.
      relax_column_count: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      // The header, and one row more than a payout may have.
      to: MAX_PAYOUT_LINES + 2,
      on_record: (record, { lines }) => {
        lastLine = lines;
        return record;
      },
    }) as unknown as readonly Parsed[];
    return tableOf(parsed);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { rows: [], problems: [problemOf(error, lastLine)] };
  }
}

function tableOf([header, ...records]: readonly Parsed[]): Table {
  if (!header) return { rows: [], problems: [] };
  const names = header.record.map((name) => name.toLowerCase());
  const problems = headerProblems(lineOf(header), names);
  if (problems.length > 0) return { rows: [], problems };
  const rows: Row[] = [];
  for (const parsed of records) {
    const [line, { record }] = [lineOf(parsed), parsed];
    if (record.every((field) => field === '')) continue;
    if (record.length !== names.length) {
      problems.push({ line, message: `${fields(record.length)} where the header has ${names.length}` });
      continue;
    }
    const fieldsByName = names.map((name, index) => [name, record[index]] as const);
    rows.push({ line, fields: Object.fromEntries(fieldsByName.filter(([, field]) => field !== '')) });
  }
  return { rows, problems };
}

function headerProblems(line: number, names: readonly string[]): Problem[] {
  const [only = ''] = names;
  const separator = names.length === 1 ? SEPARATORS.find(([char]) => only.includes(char)) : undefined;
  if (separator) {
    return [{ line, message: `the columns are separated by ${separator[1]}; save the file with commas` }];
  }
  const unknown = names.filter((name) => !isColumn(name)).map((name) => unknownColumn(line, name));
  const repeated = names.filter((name, index) => names.indexOf(name) !== index);
  const missing = [
    ...(names.includes('amount') ? [] : ['amount']),
    ...(names.includes('user_id') || names.includes('wallet_id') ? [] : ['user_id or wallet_id']),
  ];
  return [
    ...unknown,
    ...[...new Set(repeated)].map((name) => ({ line, message: `the column ${quoted(name)} is there twice` })),
    ...missing.map((name) => ({ line, message: `the header lacks ${name}` })),
  ];
}

/** The first line of a record: the parser knows its last one, and quoted fields may contain line ends. */
function lineOf({ record, info }: Parsed): number {
  const inside = record.reduce((sum, field) => sum + (field.match(/\r\n|\n|\r/g)?.length ?? 0), 0);
  return info.lines - inside;
}

function fields(count: number): string {
  return count === 1 ? '1 field' : `${count} fields`;
}

function problemOf(error: CsvError, lastLine: number): Problem {
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') {
    return {
      line: lastLine + 1,
      message: 'a quotation mark is opened here or further down and never closed',
    };
  }
  const line = Number(error.lines ?? lastLine + 1);
  if (error.code === 'INVALID_OPENING_QUOTE') {
    return { line, message: 'a quotation mark within a field; put the field in quotes and double the mark' };
  }
  if (error.code === 'CSV_INVALID_CLOSING_QUOTE') {
    return { line, message: 'something follows a closing quotation mark; double the marks within a field' };
  }
  return { line, message: `cannot be read as CSV (${error.code})` };
}

/** Reads NDJSON: one object a line, with the columns as names. Skips empty lines. */
function readNdjson(text: string): Table {
  const rows: Row[] = [];
  const problems: Problem[] = [];
  for (const [index, written] of text.split(/\r\n|\n|\r/).entries()) {
    if (written.trim() === '') continue;
    const found = readObject(index + 1, written);
    if (Array.isArray(found)) problems.push(...found);
    else rows.push(found);
    if (rows.length > MAX_PAYOUT_LINES) break;
  }
  return { rows, problems };
}

function readObject(line: number, written: string): Row | Problem[] {
  let said: unknown;
  try {
    said = JSON.parse(written, asWritten);
  } catch {
    return [{ line, message: 'is not JSON' }];
  }
  if (typeof said !== 'object' || said === null || Array.isArray(said)) {
    return [{ line, message: 'is not an object like {"user_id": 1002, "amount": 500}' }];
  }
  const problems: Problem[] = repeatedNames(written).map((name) => ({
    line,
    message: `the name ${quoted(name)} is there twice`,
  }));
  const fields: Partial<Record<Column, string>> = {};
  for (const [name, value] of Object.entries(said)) {
    if (!isColumn(name)) problems.push(unknownColumn(line, name));
    else if (typeof value === 'string') fields[name] = value;
    else if (value !== null) problems.push({ line, column: name, message: 'must be a number or text' });
  }
  if (problems.length > 0) return problems;
  return { line, fields: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '')) };
}

/**
 * The names that occur more than once in a line; JSON.parse would keep the last one (RFC 8259, section 4, allows that). The
 * text must be valid JSON, in which a string before a colon is a name. Nested values are refused anyway.
 */
function repeatedNames(written: string): string[] {
  const names = [...written.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)]
    .filter(([, , colon]) => colon !== undefined)
    .map(([, name = '""']) => String(JSON.parse(name)));
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** Keeps numbers as they are written, because JSON.parse would round large ones. */
function asWritten(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? (context?.source ?? String(value)) : value;
}
