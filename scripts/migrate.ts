// `npm run migrate`: migrates a database to the newest schema, before a new version of the server starts.

import { shareArchiveSecret } from '../src/db/archive/secret.ts';
import { migrate } from '../src/db/migrate.ts';
import { reportCrashes } from '../src/runtime/crash.ts';

reportCrashes();
const {
  DATABASE_URL,
  APP_PASSWORD: appPassword,
  WORKER_PASSWORD: workerPassword,
  ADMIN_PASSWORD: adminPassword,
  ARCHIVE_DATABASE_URL,
} = process.env;
if (!DATABASE_URL || !appPassword || !workerPassword || !adminPassword) {
  console.error(
    'DATABASE_URL (a login that owns the database), APP_PASSWORD, WORKER_PASSWORD and ADMIN_PASSWORD ' +
      '(what ppuri_app, ppuri_worker and ppuri_admin get) are required; ARCHIVE_DATABASE_URL too (a login that owns it) where transfers are archived',
  );
  process.exit(1);
}
const onRetry = (migration: string) =>
  console.error(
    `${migration} waits for a long transaction to end; calls go on meanwhile, and it is tried again`,
  );
const passwords = { appPassword, workerPassword, adminPassword };
await migrate({ ownerUrl: DATABASE_URL, ...passwords, onRetry });
if (ARCHIVE_DATABASE_URL) {
  await migrate({ ownerUrl: ARCHIVE_DATABASE_URL, ...passwords, schema: 'archive', onRetry });
  await shareArchiveSecret(DATABASE_URL, ARCHIVE_DATABASE_URL);
}
console.log('the schema is the newest one');
