// What a migration must not do to a database that is in use: hold up those who use a table, or take away what the release
// before still uses. Squawk (github.com/sbdchd/squawk) parses the statements and knows most of it; the rest is here.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonWheel } from '../../scripts/ops/install.ts';
import { runsOutsideTransaction, statementsOf, withoutComments } from '../../src/db/migration-file.ts';

/** Squawk's wheels for Linux on x64 and arm64, and for macOS on both. */
const WHEELS = [
  'cd3c3509e1eb8d3491af68272c8f8200f652fecf4389dc550206317f0fc57b54',
  '9bce3ed62ed207290f2246e04d5df4b99ae00130a849378d674626b1d618f5c4',
  'ec63cdedcca9ec0d46cfee267efe27bc3724b23fd2e73fcceccc30c0ce6bfc44',
  '9d821fa72081f39983b1014de2b48cfb305b287cae0ab529b6fa3e033f613619',
];

/** A migration: the name of its file, and its text. */
export type Migration = readonly [name: string, text: string];

/** Comments right before a statement that exempt it; each says why. */
const EXEMPT = {
  /** On a table that never has many rows. */
  rows: /-- few rows: \S/i,
  /** The release before does without what this takes away: the second half of expand and contract. */
  contract: /-- contract: \S/i,
};

/**
 * Rules of Squawk that do not fit. The runner bounds each lock and statement and notes a migration in its transaction, so that
 * none runs in part (src/db/migrate.ts); what is left are matters of taste about types, and which NULLs readers expect.
 */
const EXCLUDED = [
  'require-lock-timeout',
  'require-statement-timeout',
  'prefer-robust-stmts',
  'prefer-bigint-over-int',
  'prefer-bigint-over-smallint',
  'prefer-text-field',
  'prefer-identity',
  'prefer-timestamp-tz',
  'require-enum-value-ordering',
  'ban-drop-not-null',
];

interface Statement {
  readonly sql: string;
  readonly isOutside: boolean;
}

interface Rule {
  readonly breaks: (statement: Statement) => boolean;
  readonly instead: string;
}

const CONTRACT_LATER =
  'nothing in this release: the one before uses it; a later one says -- contract: why before it';

/** What Squawk has no rule for, or lets pass in a file of one statement. */
export const OWN_RULES: readonly Rule[] = [
  {
    breaks: ({ sql, isOutside }) => /\bCONCURRENTLY\b/i.test(sql) && !isOutside,
    instead: '-- no transaction as the first line of the file',
  },
  {
    breaks: ({ sql, isOutside }) =>
      isOutside && /^CREATE (UNIQUE )?INDEX CONCURRENTLY (?!IF NOT EXISTS)/i.test(sql),
    instead: 'IF NOT EXISTS: outside of a transaction a migration may run twice',
  },
  {
    breaks: ({ sql, isOutside }) =>
      /^((WITH|DO)\b.*)?\b(UPDATE|DELETE FROM)\b/is.test(sql) && !isIndirect(sql) && !isOutside,
    instead: 'batches that commit, in a DO block of a file that begins with -- no transaction',
  },
  {
    breaks: ({ sql, isOutside }) =>
      isOutside &&
      /\b(UPDATE|DELETE FROM)\b/i.test(sql) &&
      !(/^DO\b/i.test(sql) && /\bLIMIT\b/i.test(sql) && /\bCOMMIT\b/i.test(sql)),
    instead: 'a DO block that takes a LIMIT of rows at a time and says COMMIT after each of them',
  },
  {
    breaks: ({ sql }) => /^(LOCK|TRUNCATE|CLUSTER|VACUUM|REFRESH)\b/i.test(sql),
    instead: 'nothing that holds a lock on a whole table',
  },
  {
    breaks: ({ sql }) => /^SET\b.*\b(lock_timeout|statement_timeout)\b/i.test(sql),
    instead: 'the limits of the runner, which let others through after a quarter of a second',
  },
  {
    breaks: ({ sql }) => /^ALTER\b.*\bRENAME\b/i.test(sql),
    instead: CONTRACT_LATER,
  },
  {
    breaks: ({ sql }) =>
      /^DROP (FUNCTION|PROCEDURE|ROUTINE|VIEW|MATERIALIZED|TYPE|DOMAIN|SEQUENCE)\b/i.test(sql),
    instead: CONTRACT_LATER,
  },
];

/** Statements that only hold such words: what a function or a trigger will do, or who may do it. */
function isIndirect(sql: string): boolean {
  return /^(CREATE|GRANT|REVOKE|COMMENT|INSERT)\b/i.test(sql);
}

/** What is wrong with each of these migrations, as lines; none where it is all right. */
export async function lintMigrations(migrations: readonly Migration[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>(migrations.map(([name, text]) => [name, ownFindings(text)]));
  const isOutside = ([, text]: Migration) => runsOutsideTransaction(text);
  const squawked = await Promise.all([
    squawk(
      migrations.filter((migration) => !isOutside(migration)),
      ['--assume-in-transaction'],
    ),
    squawk(migrations.filter(isOutside), []),
  ]);
  for (const [name, line] of squawked.flat()) found.get(name)?.push(line);
  return found;
}

function ownFindings(text: string): string[] {
  const isOutside = runsOutsideTransaction(text);
  const made = new Set<string>();
  const locked = new Set<string>();
  const found: string[] = [];
  for (const commented of statementsOf(text)) {
    const sql = withoutComments(commented).replace(/\s+/g, ' ');
    const own = /^CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?"?(\w+)"?/i.exec(sql)?.[1];
    if (own !== undefined) made.add(own);
    if (!isOutside && locked.has(alteredTable(sql))) {
      found.push(`${sql.slice(0, 60)}: ${STRONGEST_FIRST}`);
    }
    for (const table of tablesLockedLightly(sql)) if (!made.has(table)) locked.add(table);
    if (isExempt(commented) || made.has(changedTable(sql))) continue;
    for (const { breaks, instead } of OWN_RULES) {
      if (breaks({ sql: bodiless(sql), isOutside })) found.push(`${sql.slice(0, 60)}: ${instead}`);
    }
  }
  return found;
}

/** A payment that has locked rows of the table waits for the weaker lock, and the stronger one then waits for the payment. */
const STRONGEST_FIRST = 'before what refers to this table or gives it a trigger, which already locks it';

function alteredTable(sql: string): string {
  return /^ALTER TABLE (?:ONLY )?"?(\w+)"?/i.exec(sql)?.[1] ?? '';
}

/** Tables that a statement locks so that reads go on: those that new foreign keys refer to, and those that get a trigger. */
function tablesLockedLightly(sql: string): string[] {
  const pattern = /^CREATE TABLE/i.test(sql)
    ? /\bREFERENCES "?(\w+)"?/gi
    : /^CREATE (?:OR REPLACE )?TRIGGER\b.*?\bON "?(\w+)"?/gi;
  return [...sql.matchAll(pattern)].map(([, table]) => table ?? '');
}

function isExempt(commented: string): boolean {
  return EXEMPT.rows.test(commented) || EXEMPT.contract.test(commented);
}

/** The table whose rows a statement changes. */
function changedTable(sql: string): string {
  return /^(?:UPDATE|DELETE FROM|TRUNCATE) (?:ONLY )?"?(\w+)"?/i.exec(sql)?.[1] ?? '';
}

/** Without the bodies of functions, which run later; a DO block runs now and keeps its own. */
function bodiless(sql: string): string {
  return /^DO\b/i.test(sql) ? sql : sql.replace(/\$(\w*)\$[\s\S]*?\$\1\$/g, "''");
}

/** Without statements that are exempt, and without indexes on the root of partitions, which index nothing themselves. */
function textForSquawk(text: string): string {
  return statementsOf(text)
    .filter((statement) => !isExempt(statement) && !/\bON ONLY\b/i.test(withoutComments(statement)))
    .map((statement) => `${statement};\n`)
    .join('');
}

interface Finding {
  readonly file: string;
  readonly message: string;
  readonly help: string | null;
  readonly rule_name: string;
}

/** Squawk's findings, each with the name of its migration. */
async function squawk(
  migrations: readonly Migration[],
  options: readonly string[],
): Promise<[name: string, line: string][]> {
  if (migrations.length === 0) return [];
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-squawk-'));
  try {
    for (const [index, [, text]] of migrations.entries())
      writeFileSync(join(folder, `${index}.sql`), textForSquawk(text));
    const files = migrations.map((_, index) => `${index}.sql`);
    const args = ['--reporter', 'json', '--pg-version', '18.0', '--exclude', EXCLUDED.join(','), ...options];
    const findings = await run([...args, ...files], folder);
    return findings.map(({ file, rule_name, message, help }) => [
      migrations[Number.parseInt(file, 10)]?.[0] ?? '',
      `${rule_name}: ${message} ${help ?? ''}`.trim(),
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** From PyPI: of the packages of npm those for other machines are not everywhere, and npm ci then refuses the lock file. */
async function findSquawk(): Promise<string> {
  const found = await pythonWheel('squawk-cli==2.66.0', WHEELS, 'bin/squawk');
  if ('reason' in found) throw new Error(`squawk cannot be had: ${found.reason}`);
  return found.path;
}

/** It exits with 1 where it finds something, and prints JSON either way. */
async function run(args: readonly string[], cwd: string): Promise<Finding[]> {
  const program = await findSquawk();
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout) as Finding[]);
      } catch {
        reject(new Error(`squawk failed: ${stderr}`, { cause: error }));
      }
    });
  });
}
