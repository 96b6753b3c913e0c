// What a migration must not do to a table that is in use, because others wait for it meanwhile.
import { runsOutsideTransaction, statementsOf, withoutComments } from '../../src/db/migration-file.ts';

/** A comment right before a statement on a table that never has many rows; it says why. */
const FEW_ROWS = /-- few rows: \S/i;

/** Functions that are worked out once for all rows, so that a column with such a default does not rewrite its table. */
const STABLE_DEFAULT = /^(now|current_timestamp|'[^']*'|\d+|true|false|null|array\[\]|\{\})/i;

interface Statement {
  readonly sql: string;
  readonly isOutside: boolean;
}

interface Rule {
  readonly breaks: (statement: Statement) => boolean;
  readonly instead: string;
}

const RULES: readonly Rule[] = [
  {
    breaks: ({ sql }) => /^CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)/i.test(sql) && !/ ON ONLY /i.test(sql),
    instead: 'CREATE INDEX CONCURRENTLY IF NOT EXISTS in a file that begins with -- no transaction',
  },
  {
    breaks: ({ sql, isOutside }) =>
      /^CREATE (UNIQUE )?INDEX CONCURRENTLY (?!IF NOT EXISTS)/i.test(sql) && isOutside,
    instead: 'IF NOT EXISTS: outside of a transaction a migration may run twice',
  },
  {
    breaks: ({ sql, isOutside }) => /\bCONCURRENTLY\b/i.test(sql) && !isOutside,
    instead: '-- no transaction as the first line of the file',
  },
  {
    breaks: ({ sql }) =>
      /\bADD (CONSTRAINT \S+ )?(CHECK|FOREIGN KEY|NOT NULL)\b/i.test(sql) && !/\bNOT VALID\b/i.test(sql),
    instead: 'NOT VALID here, and VALIDATE CONSTRAINT in a later file',
  },
  {
    breaks: ({ sql }) => /\bADD COLUMN\b[^,]*\b(CHECK|REFERENCES)\b/i.test(sql),
    instead: 'a constraint of its own that is NOT VALID, and VALIDATE CONSTRAINT in a later file',
  },
  {
    breaks: ({ sql }) =>
      /\bADD (CONSTRAINT \S+ )?(UNIQUE|PRIMARY KEY|EXCLUDE)\b/i.test(sql) && !/\bUSING INDEX\b/i.test(sql),
    instead: 'CREATE UNIQUE INDEX CONCURRENTLY, and ADD CONSTRAINT … USING INDEX in a later file',
  },
  {
    breaks: ({ sql }) => /\bALTER (COLUMN )?\S+ (SET DATA )?TYPE\b/i.test(sql),
    instead: 'a new column, filled in batches',
  },
  {
    breaks: ({ sql }) => /\bALTER (COLUMN )?\S+ SET NOT NULL\b/i.test(sql),
    instead: 'ADD CONSTRAINT … NOT NULL … NOT VALID, and VALIDATE CONSTRAINT in a later file',
  },
  {
    breaks: ({ sql }) =>
      [...sql.matchAll(/\bADD COLUMN\b.*?\bDEFAULT\s+(\S+)/gis)].some(
        ([, value = '']) => !STABLE_DEFAULT.test(value),
      ) || /\bADD COLUMN\b[^,]*\b(GENERATED|SERIAL|BIGSERIAL)\b/i.test(sql),
    instead:
      'ADD COLUMN without a default, and ALTER COLUMN … SET DEFAULT after it: the table is not rewritten',
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
    breaks: ({ sql }) => /^(LOCK|TRUNCATE|CLUSTER|VACUUM|REINDEX (?!.*CONCURRENTLY))\b/i.test(sql),
    instead: 'nothing that holds a lock on a whole table',
  },
];

/** Statements that only hold such words: what a function or a trigger will do, or who may do it. */
function isIndirect(sql: string): boolean {
  return /^(CREATE|GRANT|REVOKE|COMMENT|INSERT)\b/i.test(sql);
}

/** What in a migration would hold others up, each as the statement's beginning and what to write instead. */
export function locking(text: string): string[] {
  const isOutside = runsOutsideTransaction(text);
  const made = new Set<string>();
  const notValid = new Set<string>();
  const found: string[] = [];
  for (const commented of statementsOf(text)) {
    const sql = withoutComments(commented).replace(/\s+/g, ' ');
    const own = /^CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?"?(\w+)"?/i.exec(sql)?.[1];
    if (own !== undefined) made.add(own);
    for (const [, name = ''] of sql.matchAll(/\bADD CONSTRAINT (\S+)[^,]*\bNOT VALID\b/gi))
      notValid.add(name);
    const validated = /\bVALIDATE CONSTRAINT (\S+)/i.exec(sql)?.[1];
    if (validated !== undefined && notValid.has(validated) && !isOutside) {
      found.push(
        `${sql.slice(0, 60)}: in a later file, so that the lock of ADD CONSTRAINT is given back first`,
      );
    }
    const table = tableOf(sql);
    if (FEW_ROWS.test(commented) || own !== undefined || (table !== undefined && made.has(table))) continue;
    for (const rule of RULES) {
      if (rule.breaks({ sql: bodiless(sql), isOutside })) found.push(`${sql.slice(0, 60)}: ${rule.instead}`);
    }
  }
  return found;
}

/** The table that a statement changes. */
function tableOf(sql: string): string | undefined {
  const [, indexed] = /^CREATE (?:UNIQUE )?INDEX .*? ON (?:ONLY )?"?(\w+)"?/i.exec(sql) ?? [];
  const [, altered] = /^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?"?(\w+)"?/i.exec(sql) ?? [];
  const [, changed] = /^(?:UPDATE|DELETE FROM|TRUNCATE) (?:ONLY )?"?(\w+)"?/i.exec(sql) ?? [];
  return indexed ?? altered ?? changed;
}

/** Without the bodies of functions, which run later; a DO block runs now and keeps its own. */
function bodiless(sql: string): string {
  return /^DO\b/i.test(sql) ? sql : sql.replace(/\$(\w*)\$[\s\S]*?\$\1\$/g, "''");
}
