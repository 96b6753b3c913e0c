// Statements as their readers take them: the whole file, and its records.
import assert from 'node:assert/strict';
import { parse } from 'csv-parse/sync';
import { connect } from '../../clients/typescript/src/connection.ts';
import type { Json } from '../../clients/typescript/src/messages.ts';
import { actingAs } from '../api.ts';
import type { Stack } from '../stack.ts';

/** A record by the names of its fields; empty ones are empty. */
export type Row = Record<string, string>;

/** The statement of a wallet as a file. */
export async function exportOf(
  stack: Pick<Stack, 'grpcAddress' | 'key'>,
  user: number,
  request: Json,
  address = stack.grpcAddress,
): Promise<string> {
  const connection = connect(address, stack.key, { retry: false });
  try {
    const pieces = [];
    for await (const piece of connection.statement(request, actingAs(user))) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  } finally {
    connection.close();
  }
}

/** The records of a CSV file. */
export function rowsOfCsv(file: string): Row[] {
  assert.ok(file.startsWith('\ufefftype,number,'), file.slice(0, 20));
  assert.ok(file.endsWith('\r\n'));
  // Every record has all columns: the parser refuses another number.
  return parse(file, { bom: true, columns: true, relax_column_count: false });
}

/** The records of an NDJSON file, with the fields that were left out. */
export function rowsOfNdjson(file: string, fields: readonly string[]): Row[] {
  const lines = file.split('\n');
  assert.equal(lines.pop(), '');
  const empty = Object.fromEntries(fields.map((field) => [field, '']));
  return lines.map((line) => {
    const { number, ...rest } = JSON.parse(line);
    return { ...empty, ...rest, ...(number !== undefined && { number: String(number) }) };
  });
}

/** Asserts that amounts of whole units follow from each other, from the first record to the last. Returns the transfers. */
export function checkSums(rows: readonly Row[]): Row[] {
  const [opening, ...rest] = rows;
  const closing = rest.pop();
  assert.ok(opening?.type === 'OPENING' && closing?.type === 'CLOSING');
  let balance = BigInt(opening.balance ?? '');
  let [amountIn, amountOut] = [0n, 0n];
  for (const [index, row] of rest.entries()) {
    assert.equal(row.number, String(index + 1));
    amountIn += BigInt(row.amount_in || 0);
    amountOut += BigInt(row.amount_out || 0);
    balance += BigInt(row.amount_in || 0) - BigInt(row.amount_out || 0);
    assert.equal(row.balance, String(balance), `the balance after ${row.transfer_id}`);
  }
  assert.deepEqual(
    [closing.number, closing.amount_in, closing.amount_out, closing.balance],
    [rest.length, amountIn, amountOut, balance].map(String),
  );
  assert.equal(new Set(rest.map((row) => row.transfer_id)).size, rest.length);
  return rest;
}
