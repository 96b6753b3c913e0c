// `npm run archive`: archives WAL for as long as Postgres runs, one file whenever archive_command asks for it.
import { reportCrashes } from '../src/runtime/crash.ts';
import { variableNames, withSecretFiles } from '../src/runtime/env.ts';
import { onStopSignal, readCommandLine, SetupError } from './cli/program.ts';
import { ARCHIVE_VARIABLES, readSettings } from './cli/variables.ts';
import { startArchiver } from './recovery/archiver.ts';
import { openStorage } from './recovery/storage.ts';

reportCrashes();
const USAGE = `usage: npm run archive
Run it as the user of Postgres. archive_command asks it over a socket; docs/recovery.md has its line.
Variables (docs/configuration.md says what they set):
  ${variableNames(ARCHIVE_VARIABLES).join(', ')}`;

try {
  readCommandLine(USAGE, {});
  // Whatever it makes is for its user alone.
  process.umask(0o077);
  const { url, recipients, socket } = readSettings(ARCHIVE_VARIABLES);
  const storage = openStorage(url, withSecretFiles(ARCHIVE_VARIABLES, process.env).env);
  const archiver = await startArchiver({ storage, recipients, socket, log: (line) => console.error(line) });
  console.log(`archiving to ${storage.url}, asked on ${socket}`);
  onStopSignal(
    () => void archiver[Symbol.asyncDispose](),
    () => process.exit(1),
  );
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exit(1);
}
