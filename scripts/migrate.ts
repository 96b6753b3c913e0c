// `npm run migrate`: brings a database to the newest schema before a new version of the server starts.
import { migrate } from '../src/db/migrate.ts';

const { DATABASE_URL: ownerUrl, APP_PASSWORD: appPassword, WORKER_PASSWORD: workerPassword } = process.env;
if (!ownerUrl || !appPassword || !workerPassword) {
  console.error(
    'DATABASE_URL (a login that owns the database), APP_PASSWORD (what ppuri_app gets) and WORKER_PASSWORD (what ppuri_worker gets) are required',
  );
  process.exit(1);
}
await migrate({ ownerUrl, appPassword, workerPassword });
console.log('the schema is the newest one');
