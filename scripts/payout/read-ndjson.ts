// Reads payments from NDJSON: an object a line, with the same names as the columns of CSV.
import { MAX_PAYOUT_LINES } from '../../src/domain/payout.ts';
import {
  type Column,
  type Complaint,
  isColumn,
  quoted,
  type Row,
  type Table,
  unknownColumn,
} from './table.ts';

/** Reads all of it. Empty lines are left out. */
export function readNdjson(text: string): Table {
  const rows: Row[] = [];
  const complaints: Complaint[] = [];
  for (const [index, written] of text.split(/\r\n|\n|\r/).entries()) {
    if (written.trim() === '') continue;
    const found = readObject(index + 1, written);
    if (Array.isArray(found)) complaints.push(...found);
    else rows.push(found);
    if (rows.length > MAX_PAYOUT_LINES) break;
  }
  return { rows, complaints };
}

function readObject(line: number, written: string): Row | Complaint[] {
  let said: unknown;
  try {
    said = JSON.parse(written, asWritten);
  } catch {
    return [{ line, words: 'is not JSON' }];
  }
  if (typeof said !== 'object' || said === null || Array.isArray(said)) {
    return [{ line, words: 'is not an object like {"user_id": 1002, "amount": 500}' }];
  }
  const complaints: Complaint[] = doubledNames(written).map((name) => ({
    line,
    words: `the name ${quoted(name)} is there twice`,
  }));
  const fields: Partial<Record<Column, string>> = {};
  for (const [name, value] of Object.entries(said)) {
    if (!isColumn(name)) complaints.push(unknownColumn(line, name));
    else if (typeof value === 'string') fields[name] = value;
    else if (value !== null) complaints.push({ line, column: name, words: 'must be a number or text' });
  }
  if (complaints.length > 0) return complaints;
  return { line, fields: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '')) };
}

/**
 * The names that a line gives more than once, where JSON.parse silently keeps the last (RFC 8259, section 4, leaves that
 * open). The text must be valid JSON: then a string that a colon follows is a name. What is nested is refused anyway.
 */
function doubledNames(written: string): string[] {
  const names = [...written.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)]
    .filter(([, , colon]) => colon !== undefined)
    .map(([, name = '""']) => String(JSON.parse(name)));
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** Numbers as they are written, digit by digit: what JSON makes of them would round large ones. */
function asWritten(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? (context?.source ?? String(value)) : value;
}
