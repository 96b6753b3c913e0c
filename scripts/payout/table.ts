// What is in a file of payments: its rows, as text by the names of their columns, and what is wrong with it.

/** What a row may say. */
export const COLUMNS = ['user_id', 'wallet_id', 'amount', 'currency', 'key', 'memo'] as const;

/** The name of a column. */
export type Column = (typeof COLUMNS)[number];

/** A row of a file. */
export interface Row {
  /** The number of its line, as an editor counts: from 1 on, header and empty lines included. */
  readonly line: number;
  /** What it says, as it is written there; what is empty is not there. */
  readonly fields: Readonly<Partial<Record<Column, string>>>;
}

/** Something wrong with a file. */
export interface Complaint {
  readonly line: number;
  /** The column that is wrong; undefined where no one column is. */
  readonly column?: string | undefined;
  readonly words: string;
}

/** What was read of a file. */
export interface Table {
  readonly rows: readonly Row[];
  readonly complaints: readonly Complaint[];
}

/** A column by its name. */
export function isColumn(name: string): name is Column {
  return COLUMNS.some((column) => column === name);
}

/** The complaint about a name that no column has. */
export function unknownColumn(line: number, name: string): Complaint {
  const shown = name === '' ? 'a column without a name' : `an unknown column ${quoted(name)}`;
  return { line, words: `${shown}; there are ${COLUMNS.join(', ')}` };
}

const INVISIBLE = /[\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u00a0\u115f\u1160\u3164\uffa0]/gu;

/** Text of a file as it is shown: in quotes, in one line, and not too long. */
export function quoted(text: string): string {
  const most = 40;
  const short = JSON.stringify(text.length > most ? `${text.slice(0, most)}…` : text);
  // What has no shape of its own (a zero-width space, a mark that turns the text around) is shown by its number.
  return short.replace(INVISIBLE, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}
