// Which migrations a database has had, and whether that is enough for this version of the programs.
import { readdirSync } from 'node:fs';
import pg from 'pg';
import { SchemaError } from './schema-error.ts';

/** The two schemas, each in a database of its own. */
export type Schema = 'ledger' | 'archive';

/** The migrations of each schema. */
export const MIGRATION_FOLDERS: Readonly<Record<Schema, URL>> = {
  ledger: new URL('./migrations/', import.meta.url),
  archive: new URL('./archive/migrations/', import.meta.url),
};

/** Migrations of a database that this version does not know. */
export interface UnknownMigrations {
  /** Those of later versions, which this one can run beside. */
  readonly newer: readonly string[];
  /** Those that no later version adds: their numbers are lower than the newest one of this version. */
  readonly strange: readonly string[];
}

const VARIABLES: Readonly<Record<Schema, string>> = {
  ledger: 'DATABASE_URL',
  archive: 'ARCHIVE_DATABASE_URL',
};
const MIGRATE = "run 'npm run migrate' (or the image with 'migrate') first";
/** SQLSTATEs: no such table, no such column, no right. */
const UNDEFINED_TABLE = '42P01';
const UNDEFINED_COLUMN = '42703';
const INSUFFICIENT_PRIVILEGE = '42501';

/** The files of a folder of migrations, in their order. */
export function migrationsIn(folder: URL): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort();
}

/**
 * Throws a SchemaError unless the database has had every migration that this version knows; returns those that it does not
 * know. A start of a program asks once. Later migrations change nothing for a program that runs already.
 */
export async function checkSchema(db: Pick<pg.Pool, 'query'>, schema: Schema): Promise<UnknownMigrations> {
  const applied = await appliedMigrations(db, schema);
  if (applied.length === 0) throw new SchemaError(`${where(schema)} was never migrated: ${MIGRATE}`);
  refuseStrangers(applied, schema);
  const known = migrationsIn(MIGRATION_FOLDERS[schema]);
  const has = new Set(applied);
  const missing = known.filter((name) => !has.has(name));
  const newest = known.findLast((name) => has.has(name)) ?? '';
  const [first] = missing;
  if (first !== undefined) {
    const more = missing.length > 1 ? ` and ${missing.length - 1} more` : '';
    const gap =
      first < newest
        ? `, although it has ${titleOf(newest)}: find out how that happened, then ${MIGRATE}`
        : `: ${MIGRATE}`;
    throw new SchemaError(`${where(schema)} lacks migration ${titleOf(first)}${more}${gap}`);
  }
  const unknown = applied.filter((name) => !known.includes(name));
  return {
    newer: unknown.filter((name) => name > newest).map(titleOf),
    strange: unknown.filter((name) => name < newest).map(titleOf),
  };
}

/** Throws a SchemaError where these are the migrations of another program, or of the other one of our two schemas. */
export function refuseStrangers(applied: readonly string[], schema: Schema): void {
  const other = schema === 'ledger' ? 'archive' : 'ledger';
  const others = new Set(migrationsIn(MIGRATION_FOLDERS[other]));
  if (applied.some((name) => others.has(name)))
    throw new SchemaError(`${where(schema)} is the one of the ${other}: correct ${VARIABLES[schema]}`);
  const known = new Set(migrationsIn(MIGRATION_FOLDERS[schema]));
  if (applied.length > 0 && !applied.some((name) => known.has(name))) throw foreign(schema);
}

/** The names of the migrations that the database has had, in their order. */
export async function appliedMigrations(db: Pick<pg.Pool, 'query'>, schema: Schema): Promise<string[]> {
  try {
    const { rows } = await db.query<{ name: string }>(
      'SELECT name FROM migrations ORDER BY name COLLATE "C"',
    );
    return rows.map(({ name }) => name);
  } catch (error) {
    const code = error instanceof pg.DatabaseError ? error.code : undefined;
    if (code === UNDEFINED_TABLE) return [];
    if (code === UNDEFINED_COLUMN) throw foreign(schema);
    if (code === INSUFFICIENT_PRIVILEGE) {
      throw new SchemaError(
        `the login of ${VARIABLES[schema]} may not read the table migrations, which migrating grants: ${MIGRATE}`,
      );
    }
    throw error;
  }
}

function foreign(schema: Schema): SchemaError {
  return new SchemaError(
    `${where(schema)} has a table migrations of another program: correct ${VARIABLES[schema]}`,
  );
}

function where(schema: Schema): string {
  return `the database of ${VARIABLES[schema]}`;
}

/** A migration as people call it: the name of its file without the ending. */
function titleOf(name: string): string {
  return name.replace(/\.sql$/, '');
}
