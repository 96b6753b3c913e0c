// Reads migration files: their statements, one by one, and whether they run inside a transaction.

/** The first line of a file whose statements run one by one, each outside of a transaction. */
const NO_TRANSACTION = '-- no transaction';

/** What hides a semicolon: comments, strings, quoted names, and bodies between dollar signs. */
const HIDDEN_OR_END =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"[^"]*"|\$(?<tag>\w*)\$[\s\S]*?\$\k<tag>\$|(?<end>;)/g;

/** Whether a file's statements cannot run inside a transaction, such as CREATE INDEX CONCURRENTLY. */
export function runsOutsideTransaction(text: string): boolean {
  return text.split('\n', 1)[0]?.trim() === NO_TRANSACTION;
}

/** The statements of a file without their semicolons, each with the comments before it. */
export function statementsOf(text: string): string[] {
  const statements: string[] = [];
  let start = 0;
  for (const match of text.matchAll(HIDDEN_OR_END)) {
    if (match.groups?.end === undefined) continue;
    statements.push(text.slice(start, match.index));
    start = match.index + 1;
  }
  statements.push(text.slice(start));
  return statements
    .map((statement) => statement.trim())
    .filter((statement) => withoutComments(statement) !== '');
}

/** A statement as Postgres reads it. */
export function withoutComments(statement: string): string {
  return statement.replace(HIDDEN_OR_END, (found) => (/^(--|\/\*)/.test(found) ? ' ' : found)).trim();
}
