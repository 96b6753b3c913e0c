// The rows that a statement is given: each column's name, type and value in one line, and the SQL around them.
import type { PoolClient, QueryResultRow } from 'pg';
import { plainArray, textElement, timestamptz } from '../db/sql.ts';
import type { LedgerBatch } from '../domain/batch/ledger-batch.ts';
import type { Micros } from '../domain/time.ts';
import { type Statement, touchingAll } from './facet.ts';

/**
 * What values of each type are here. Moments are microseconds since 1970, bytes are hex, and a list is an array literal. JSON that is
 * full of quotes goes as elements of one JSON array: an array of texts would have to escape each.
 */
interface Values {
  readonly text: string;
  readonly json: string;
  readonly 'json element': string;
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

/** A column of any type but this one may be NULL. */
type Null<T extends Type> = T extends 'json element' ? never : undefined;

/** The type of a column, and its value in a row; undefined is NULL. */
type Column<Row> = {
  readonly [T in Type]: readonly [type: T, value: (row: Row) => Values[T] | Null<T>];
}[Type];
/** The columns of rows by their names, in their order. */
export type Columns<Row> = Readonly<Record<string, Column<Row>>>;

/** Rows as parameters of a statement, whose first ones they are. */
export interface GivenRows<Row> {
  /** One for each column: an array of Postgres, or one of JSON. */
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
  const parameters = all.map(([type], index) => `$${index + 1}::${parameterOf(type)}`);
  const sets = all.map(([type], index) =>
    type === 'json element' ? `json_array_elements(${parameters[index]})` : `unnest(${parameters[index]})`,
  );
  const writers = all.map(writerOf);
  return {
    parameters: parameters.join(', '),
    text: `ROWS FROM (${sets.join(', ')}) AS ${name} (${names})`,
    names,
    next: `$${all.length + 1}`,
    values: (rows) => writers.map((write) => write(rows)),
  };
}

/** unnest() takes arrays of arrays apart, so each of these is the text of one. */
const isList = (type: Type) => type === 'bigint[]';

function parameterOf(type: Type): string {
  if (type === 'json element') return 'json';
  return isList(type) ? 'text[]' : `${type}[]`;
}

/** A column of given rows, as a value for a table. */
function columnValue(name: string, [type]: readonly [Type, unknown]): string {
  return isList(type) ? `new.${name}::${type}` : `new.${name}`;
}

/** Writes a column as an array, of Postgres or of JSON. */
function writerOf<Row>([type, value]: Column<Row>): (rows: readonly Row[]) => string {
  switch (type) {
    case 'text':
    case 'json':
    case 'bigint[]':
      return (rows) => plainArray(rows.map((row) => textElement(value(row))));
    case 'json element':
      return (rows) => `[${rows.map((row) => value(row)).join(',')}]`;
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

/** Inserts the rows that a batch has for a table. */
export function insertInto<Row>(
  table: string,
  rows: (batch: LedgerBatch) => readonly Row[],
  columns: Columns<Row>,
): Statement<Row> {
  const given = givenRows('new', columns);
  return { ...insertion(table, given, columns), rows, values: given.values };
}

/** The same for rows whose created_at is the moment of the batch. */
export function insertDated<Row>(
  table: string,
  rows: (batch: LedgerBatch) => readonly Row[],
  columns: Columns<Row>,
): Statement<Row> {
  const given = givenRows('new', columns);
  return {
    ...insertion(table, given, columns, [', created_at', `, ${given.next}`]),
    rows,
    values: (added, { at }) => [...given.values(added), timestamptz(at)],
  };
}

function insertion<Row>(
  table: string,
  given: GivenRows<Row>,
  columns: Columns<Row>,
  [name, value] = ['', ''],
): Pick<Statement, 'name' | 'text'> {
  const values = Object.entries(columns).map(([column, one]) => columnValue(column, one));
  return {
    name: `insert-${table.replaceAll('_', '-')}`,
    text: `
  INSERT INTO ${table} (${given.names}${name}) SELECT ${values.join(', ')}${value} FROM ${given.text}`,
  };
}

/**
 * Updates rows of a table, each of which its keys name alone. It raises where one is not there. A column that is given no value
 * stays as it is.
 */
export function updateOf<Row>(
  table: string,
  rows: (batch: LedgerBatch) => readonly Row[],
  keys: Columns<Row>,
  columns: Columns<Row>,
): Statement<Row> {
  const given = givenRows('new', { ...keys, ...columns });
  const changes = Object.entries(columns).map(
    ([name, column]) => `${name} = coalesce(${columnValue(name, column)}, t.${name})`,
  );
  const isFound = Object.keys(keys).map((name) => `i.${name} = new.${name}`);
  return touchingAll({
    name: `update-${table.replaceAll('_', '-')}`,
    text: `
  UPDATE ${table} t SET ${changes.join(', ')}
  FROM ${given.text}, LATERAL (SELECT i.ctid FROM ${table} i WHERE ${isFound.join(' AND ')} OFFSET 0) AS found
  WHERE t.ctid = found.ctid`,
    rows,
    values: given.values,
  });
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
