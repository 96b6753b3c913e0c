// The rows that a statement is given: each column's name, type and value in one line, and the SQL around them.
import type { PoolClient, QueryResultRow } from 'pg';
import { plainArray, textElement, timestamptz } from '../db/sql.ts';
import type { LedgerBatch } from '../domain/batch/ledger-batch.ts';
import type { Micros } from '../domain/time.ts';
import type { Statement } from './facet.ts';

/** What values of each type are here. Moments are microseconds since 1970, bytes are hex, and a list is an array literal. */
interface Values {
  readonly text: string;
  readonly json: string;
  readonly uuid: string;
  readonly account_kind: string;
  readonly transfer_kind: string;
  readonly integer: number;
  readonly bigint: bigint | number;
  readonly numeric: bigint | number;
  readonly boolean: boolean;
  readonly bytea: string;
  readonly timestamptz: Micros;
  readonly 'bigint[]': string;
}
type Type = keyof Values;

/** The type of a column, and its value in a row; undefined is NULL. */
type Column<Row> = {
  readonly [T in Type]: readonly [type: T, value: (row: Row) => Values[T] | undefined];
}[Type];
/** The columns of rows by their names, in their order. */
export type Columns<Row> = Readonly<Record<string, Column<Row>>>;

/** Rows as parameters of a statement, whose first ones they are. */
export interface GivenRows<Row> {
  /** An array for each column. */
  readonly parameters: string;
  /** An item of FROM. */
  readonly text: string;
  /** The names of its columns, in their order. */
  readonly names: string;
  /** The parameter that follows. */
  readonly next: string;
  values(rows: readonly Row[]): string[];
}

/** Rows with these columns, which SQL knows by this name. */
export function givenRows<Row>(name: string, columns: Columns<Row>): GivenRows<Row> {
  const all = Object.values(columns);
  const names = Object.keys(columns).join(', ');
  const parameters = all.map(([type], index) => `$${index + 1}::${elementOf(type)}[]`).join(', ');
  const writers = all.map(writerOf);
  return {
    parameters,
    text: `unnest(${parameters}) AS ${name} (${names})`,
    names,
    next: `$${all.length + 1}`,
    values: (rows) => writers.map((write) => write(rows)),
  };
}

/** unnest() takes arrays of arrays apart, so each of these is the text of one. */
const elementOf = (type: Type) => (type === 'bigint[]' ? 'text' : type);

/** Writes a column as an array. */
function writerOf<Row>([type, value]: Column<Row>): (rows: readonly Row[]) => string {
  switch (type) {
    case 'text':
    case 'json':
    case 'bigint[]':
      return (rows) => plainArray(rows.map((row) => textElement(value(row))));
    case 'bytea':
      return (rows) => plainArray(rows.map((row) => bytesElement(value(row))));
    case 'timestamptz':
      return momentsWriter(value);
    case 'boolean':
      return (rows) => plainArray(rows.map((row) => String(value(row) ?? 'NULL')));
    default:
      // UUIDs, numbers and names of enums need no quotes.
      return (rows) => plainArray(rows.map((row) => value(row) ?? 'NULL'));
  }
}

const bytesElement = (hex: string | undefined) => (hex === undefined ? 'NULL' : `"\\\\x${hex}"`);

/** Nearly all rows have the batch's own moment, and formatting that once for each is expensive. */
function momentsWriter<Row>(value: (row: Row) => Micros | undefined): (rows: readonly Row[]) => string {
  let [last, text] = [0, timestamptz(0)];
  const elementOf = (moment: Micros | undefined) => {
    if (moment === undefined) return 'NULL';
    if (moment !== last) [last, text] = [moment, timestamptz(moment)];
    return text;
  };
  return (rows) => plainArray(rows.map((row) => elementOf(value(row))));
}

/** Inserts the rows that a batch has for a table. `momentOf` names a column that has the moment of the batch. */
export function insertInto<Row>(
  table: string,
  rows: (batch: LedgerBatch) => readonly Row[],
  columns: Columns<Row>,
  momentOf?: string,
): Statement<Row> {
  const given = givenRows('new', columns);
  const values = Object.entries(columns).map(([name, [type]]) =>
    elementOf(type) === type ? `new.${name}` : `new.${name}::${type}`,
  );
  const [moment, parameter] = momentOf ? [`, ${momentOf}`, `, ${given.next}`] : ['', ''];
  return {
    name: `insert-${table.replaceAll('_', '-')}`,
    text: `
  INSERT INTO ${table} (${given.names}${moment}) SELECT ${values.join(', ')}${parameter} FROM ${given.text}`,
    rows,
    values: (added, { at }) => [...given.values(added), ...(momentOf ? [timestamptz(at)] : [])],
  };
}

/** Reads what belongs to rows; `text` is given the item of FROM that they are. Nothing is sent where there are none. */
export function reading<Row, Found extends QueryResultRow>(
  name: string,
  given: GivenRows<Row>,
  text: (given: string) => string,
): (client: PoolClient, rows: readonly Row[]) => Promise<Found[]> {
  const statement = { name, text: text(given.text) };
  return async (client, rows) => {
    if (rows.length === 0) return [];
    return (await client.query<Found>({ ...statement, values: given.values(rows) })).rows;
  };
}
