// Prints a database's schema as text that people can read and compare: tables, rules, indexes, functions, privileges.
import type pg from 'pg';

/** Partitions come and go with the months, so only the tables that they belong to are printed. */
const TABLES = `
  SELECT c.oid, c.relname AS name FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 2`;

/** What a role may do with a table besides what it may do as a member of another role. */
function privilegesOf(role: string) {
  return {
    title: `privileges of ${role}`,
    sql: `SELECT privilege_type || coalesce(' (' || string_agg(column_name, ', ' ORDER BY column_name) || ')', '') AS line FROM (
        SELECT privilege_type, NULL::text AS column_name FROM information_schema.table_privileges
        WHERE grantee = '${role}' AND table_schema = 'public' AND table_name = (SELECT relname FROM pg_class WHERE oid = $1)
        UNION ALL
        SELECT c.privilege_type, c.column_name FROM information_schema.column_privileges c
        WHERE c.grantee = '${role}' AND c.table_schema = 'public' AND c.table_name = (SELECT relname FROM pg_class WHERE oid = $1)
          AND NOT EXISTS (SELECT FROM information_schema.table_privileges t WHERE t.grantee = '${role}'
            AND t.table_name = c.table_name AND t.privilege_type = c.privilege_type)
      ) AS granted GROUP BY privilege_type ORDER BY 1`,
  };
}

const PARTS: readonly { readonly title: string; readonly sql: string }[] = [
  {
    title: 'columns',
    sql: `SELECT format('%s %s%s%s', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN ' not null' ELSE '' END,
        ' default ' || pg_get_expr(d.adbin, d.adrelid)) AS line
      FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
  },
  {
    title: 'storage',
    sql: `SELECT concat_ws(' ', array_to_string(reloptions, ' '), 'partitioned by ' || pg_get_partkeydef(oid)) AS line
      FROM pg_class WHERE oid = $1 AND (reloptions IS NOT NULL OR relkind = 'p')`,
  },
  {
    title: 'constraints',
    sql: `SELECT conname || ' ' || pg_get_constraintdef(oid) AS line FROM pg_constraint
      WHERE conrelid = $1 AND contype <> 'n' ORDER BY conname`,
  },
  {
    title: 'indexes',
    sql: `SELECT pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END AS line FROM pg_index WHERE indrelid = $1 ORDER BY 1`,
  },
  {
    title: 'triggers',
    sql: `SELECT pg_get_triggerdef(oid) AS line FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal ORDER BY 1`,
  },
  privilegesOf('ppuri_app'),
  privilegesOf('ppuri_worker'),
  privilegesOf('ppuri_admin'),
];

const TYPES = `
  SELECT t.typname || ' enum (' || string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) || ')' AS line
  FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY t.typname ORDER BY 1`;

const FUNCTIONS = `
  SELECT pg_get_functiondef(oid)
    || CASE WHEN has_function_privilege('ppuri_app', oid, 'EXECUTE') THEN E'\\nppuri_app may run it' ELSE '' END
    || CASE WHEN has_function_privilege('ppuri_worker', oid, 'EXECUTE') THEN E'\\nppuri_worker may run it' ELSE '' END
    || CASE WHEN has_function_privilege('ppuri_admin', oid, 'EXECUTE') THEN E'\\nppuri_admin may run it' ELSE '' END AS line
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY proname`;

/** Prints the schema of the database that a pool is connected to. */
export async function printSchema(db: pg.Pool): Promise<string> {
  const linesOf = async (sql: string, values: unknown[] = []) =>
    (await db.query<{ line: string }>(sql, values)).rows.map(({ line }) => line);
  const out: string[] = [];
  for (const { oid, name } of (await db.query<{ oid: number; name: string }>(TABLES)).rows) {
    out.push(`table ${name}`);
    for (const { title, sql } of PARTS) {
      const lines = await linesOf(sql, [oid]);
      if (lines.length > 0) out.push(`  ${title}`, ...lines.map((line) => `    ${line}`));
    }
    out.push('');
  }
  out.push(
    'types',
    ...(await linesOf(TYPES)).map((line) => `  ${line}`),
    '',
    'functions',
    ...(await linesOf(FUNCTIONS)),
  );
  return `${out.join('\n')}\n`;
}
