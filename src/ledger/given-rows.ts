// The rows that a statement is given: each column's name, type and value in one line, and the SQL around them.
import type { PoolClient, QueryResultRow } from 'pg';
import { plainArray, textArray, timestamptz } from '../db/sql.ts';
import type { LedgerBatch } from '../domain/batch/ledger-batch.ts';
import type { Micros } from '../domain/time.ts';
import type { Statement } from './facet.ts';

type Value = string | number | bigint | boolean | undefined;

/** The type of a column, and its value in a row; undefined is NULL. Moments are microseconds since 1970, bytes are hex. */
type Column<Row> = readonly [type: string, value: (row: Row) => Value];
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
  const writers = all.map(([type, value]) => {
    const write = writerOf(elementOf(type));
    return (rows: readonly Row[]) => write(rows.map(value));
  });
  return {
    parameters,
    text: `unnest(${parameters}) AS ${name} (${names})`,
    names,
    next: `$${all.length + 1}`,
    values: (rows) => writers.map((write) => write(rows)),
  };
}

/** unnest() takes arrays of arrays apart, so each of these is the text of one. */
const elementOf = (type: string) => (type.endsWith('[]') ? 'text' : type);

/** Writes an array of a type. Numbers, UUIDs and names of enums need no quotes. */
function writerOf(type: string): (values: readonly Value[]) => string {
  if (type === 'text' || type === 'json') return (values) => textArray(values as (string | undefined)[]);
  if (type === 'timestamptz') return (values) => momentArray(values as (Micros | undefined)[]);
  if (type === 'bytea')
    return (values) => textArray(values.map((hex) => (hex === undefined ? hex : `\\x${hex}`)));
  return (values) => plainArray(values.map((value) => (value === undefined ? 'NULL' : String(value))));
}

/** Nearly all rows have the batch's own moment, and formatting that once for each is expensive. */
function momentArray(moments: readonly (Micros | undefined)[]): string {
  let [last, text]: [Micros | undefined, string] = [undefined, 'NULL'];
  return plainArray(
    moments.map((moment) => {
      if (moment !== last) [last, text] = [moment, moment === undefined ? 'NULL' : timestamptz(moment)];
      return text;
    }),
  );
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
    type.endsWith('[]') ? `new.${name}::${type}` : `new.${name}`,
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
