// Stores one file of WAL, where no archiver (archive.ts) can be asked: `archive_command = '… || node scripts/archive-wal.ts %p'`.
// Postgres runs it in its data folder.
import { withSecretFiles } from '../src/runtime/env.ts';
import { SetupError } from './cli/program.ts';
import { ARCHIVE_WAL_VARIABLES, readSettings } from './cli/variables.ts';
import { openStorage } from './recovery/storage.ts';
import { archiveWal } from './recovery/wal-archive.ts';

const { url, recipients } = readSettings(ARCHIVE_WAL_VARIABLES);
const [path] = process.argv.slice(2);
try {
  if (!path) throw new SetupError('the path of a file of WAL is required (%p of archive_command)');
  await archiveWal(
    openStorage(url, withSecretFiles(ARCHIVE_WAL_VARIABLES, process.env).env),
    process.cwd(),
    path,
    recipients,
  );
} catch (error) {
  // Postgres' log gets what is written here.
  console.error(`archive-wal: ${error instanceof SetupError ? error.message : (error as Error).stack}`);
  process.exitCode = 1;
}
