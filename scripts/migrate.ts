// `npm run migrate`: migrates a database to the newest schema, before a new version of the server starts.

import { shareArchiveSecret } from '../src/db/archive/index.ts';
import { migrate } from '../src/db/migrate.ts';
import { SchemaError } from '../src/db/schema-error.ts';
import { reportCrashes } from '../src/runtime/crash.ts';
import { readCommandLine } from './cli/program.ts';
import { MIGRATE_VARIABLES, readSettings } from './cli/variables.ts';

reportCrashes();
try {
  readCommandLine('usage: npm run migrate; docs/configuration.md has its variables', {});
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
const { databaseUrl, archiveDatabaseUrl, ...passwords } = readSettings(MIGRATE_VARIABLES);
const onRetry = (migration: string) =>
  console.error(
    `${migration} waits for a long transaction to end; calls go on meanwhile, and it is tried again`,
  );
const onWarning = (message: string) => console.error(`note: ${message}`);
try {
  await migrate({ ownerUrl: databaseUrl, ...passwords, onRetry, onWarning });
  if (archiveDatabaseUrl) {
    await migrate({ ownerUrl: archiveDatabaseUrl, ...passwords, schema: 'archive', onRetry, onWarning });
    await shareArchiveSecret(databaseUrl, archiveDatabaseUrl);
  }
} catch (error) {
  if (!(error instanceof SchemaError)) throw error;
  console.error(error.message);
  process.exit(1);
}
console.log('the schema is the newest one');
