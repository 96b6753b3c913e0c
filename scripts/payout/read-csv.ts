// Reads payments from CSV (RFC 4180): a header that names the columns, then a payment a line.
import { CsvError } from 'csv-parse';
import { type Info, parse } from 'csv-parse/sync';
import { MAX_PAYOUT_LINES } from '../../src/domain/payout.ts';
import { type Complaint, isColumn, quoted, type Row, type Table, unknownColumn } from './table.ts';

/** What spreadsheet programs of some countries write between columns. */
const SEPARATORS = [
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'vertical bars'],
] as const;

interface Parsed {
  readonly record: readonly string[];
  readonly info: Info;
}

/** Reads all of it; what is not CSV is one complaint. Empty lines are left out, and spaces around fields. */
export function readCsv(text: string): Table {
  let lastLine = 0;
  try {
    const parsed = parse(text, {
      info: true,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      // Which lines have too few or too many is said of all of them, and not of the first alone.
      relax_column_count: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      // A header and one row too many.
      to: MAX_PAYOUT_LINES + 2,
      on_record: (record, { lines }) => {
        lastLine = lines;
        return record;
      },
    }) as unknown as readonly Parsed[];
    return tableOf(parsed);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { rows: [], complaints: [complaintOf(error, lastLine)] };
  }
}

function tableOf([header, ...records]: readonly Parsed[]): Table {
  if (!header) return { rows: [], complaints: [] };
  const names = header.record.map((name) => name.toLowerCase());
  const complaints = headerComplaints(lineOf(header), names);
  if (complaints.length > 0) return { rows: [], complaints };
  const rows: Row[] = [];
  for (const parsed of records) {
    const [line, { record }] = [lineOf(parsed), parsed];
    if (record.every((field) => field === '')) continue;
    if (record.length !== names.length) {
      complaints.push({ line, words: `${fields(record.length)} where the header has ${names.length}` });
      continue;
    }
    const said = names.map((name, index) => [name, record[index]] as const);
    rows.push({ line, fields: Object.fromEntries(said.filter(([, field]) => field !== '')) });
  }
  return { rows, complaints };
}

function headerComplaints(line: number, names: readonly string[]): Complaint[] {
  const [only = ''] = names;
  const separator = names.length === 1 ? SEPARATORS.find(([char]) => only.includes(char)) : undefined;
  if (separator) {
    return [{ line, words: `the columns are separated by ${separator[1]}; save the file with commas` }];
  }
  const unknown = names.filter((name) => !isColumn(name)).map((name) => unknownColumn(line, name));
  const doubled = names.filter((name, index) => names.indexOf(name) !== index);
  const lacks = [
    ...(names.includes('amount') ? [] : ['amount']),
    ...(names.includes('user_id') || names.includes('wallet_id') ? [] : ['user_id or wallet_id']),
  ];
  return [
    ...unknown,
    ...[...new Set(doubled)].map((name) => ({ line, words: `the column ${quoted(name)} is there twice` })),
    ...lacks.map((name) => ({ line, words: `the header lacks ${name}` })),
  ];
}

/** Where a record begins: the parser says where it ends, and a quoted field may hold ends of lines. */
function lineOf({ record, info }: Parsed): number {
  const inside = record.reduce((sum, field) => sum + (field.match(/\r\n|\n|\r/g)?.length ?? 0), 0);
  return info.lines - inside;
}

function fields(count: number): string {
  return count === 1 ? '1 field' : `${count} fields`;
}

function complaintOf(error: CsvError, lastLine: number): Complaint {
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') {
    return { line: lastLine + 1, words: 'a quotation mark is opened here or further down and never closed' };
  }
  const line = Number(error.lines ?? lastLine + 1);
  if (error.code === 'INVALID_OPENING_QUOTE') {
    return { line, words: 'a quotation mark within a field; put the field in quotes and double the mark' };
  }
  if (error.code === 'CSV_INVALID_CLOSING_QUOTE') {
    return { line, words: 'something follows a closing quotation mark; double the marks within a field' };
  }
  return { line, words: `cannot be read as CSV (${error.code})` };
}
