// `await-migrations` of the image: ends once the database has every migration of this version. Servers and workers are started
// after it where nothing else orders them behind the job that migrates (deploy/helm/ppuri); without it they stop at once.
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, connectionConfig } from '../../src/db/connection.ts';
import { createNodeGuard } from '../../src/db/node-guard.ts';
import { SchemaError } from '../../src/db/schema-error.ts';
import { checkSchema, type Schema } from '../../src/db/schema-state.ts';
import { errorText } from '../../src/domain/error-fields.ts';
import { onStopSignal } from '../cli/program.ts';
import { AWAIT_MIGRATIONS_VARIABLES, readSettings } from '../cli/variables.ts';

const EVERY_MS = 1_000;
const ANSWER_WITHIN_MS = 5_000;

const { databaseUrl, archiveDatabaseUrl } = readSettings(AWAIT_MIGRATIONS_VARIABLES);
// Node is process 1 of its container, which no signal ends by itself.
const stop = () => process.exit(1);
onStopSignal(stop, stop);
await untilMigrated('ledger', databaseUrl);
if (archiveDatabaseUrl !== undefined) await untilMigrated('archive', archiveDatabaseUrl);

/** Asks until nothing is lacking. That it cannot log in may mean that the login is not made yet. */
async function untilMigrated(schema: Schema, url: string): Promise<void> {
  for (let said = ''; ; ) {
    const lack = await lackOf(schema, url);
    if (lack === undefined) return;
    if (lack !== said) console.error(`waiting: ${lack}`);
    said = lack;
    await sleep(EVERY_MS);
  }
}

async function lackOf(schema: Schema, url: string): Promise<string | undefined> {
  const client = new Connection(
    connectionConfig({ url, guard: createNodeGuard(), answerWithinMs: ANSWER_WITHIN_MS }),
  );
  client.on('error', () => {});
  try {
    await client.connect();
    await checkSchema(client, schema);
    return undefined;
  } catch (error) {
    return error instanceof SchemaError ? error.message : errorText(error);
  } finally {
    await client.end().catch(() => {});
  }
}
