// `npm run backup`: takes a base backup into a folder or S3-compatible storage, removes what is not kept any more, and lists what is there.
import { reportCrashes } from '../src/runtime/crash.ts';
import { type ValuesOf, variableNames, withSecretFiles } from '../src/runtime/env.ts';
import { readCommandLine, SetupError } from './cli/program.ts';
import { createProgress } from './cli/progress.ts';
import { BACKUP_VARIABLES, checkBackup, readSettings } from './cli/variables.ts';
import { findPgTools } from './ops/parts/pg-tools.ts';
import { makeKeyPair } from './recovery/age.ts';
import { takeBackup } from './recovery/base-backup.ts';
import { listBackups, listClusters } from './recovery/catalog.ts';
import { megabytes } from './recovery/disk-space.ts';
import { listedBackups, listText } from './recovery/list.ts';
import { applyRetention } from './recovery/retention.ts';
import { openStorage, type Storage } from './recovery/storage.ts';
import { listWal } from './recovery/wal-archive.ts';

reportCrashes();
const USAGE = `usage: npm run backup [-- OPTIONS]
  --full            a full backup, also where an incremental one would do
  --list            what is there, and in which state
  --make-key FILE   makes a key pair: the private key goes into a new file, the public one is printed
  --keep            remove nothing afterwards
  --json            print the result as JSON, or {"error": …}
Variables (docs/configuration.md says what they set):
  ${variableNames(BACKUP_VARIABLES).join(', ')}`;
type Settings = ValuesOf<typeof BACKUP_VARIABLES>;
const DAY_MS = 24 * 60 * 60_000;

try {
  const { values } = readCommandLine(USAGE, {
    full: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'make-key': { type: 'string' },
  });
  if (values['make-key'] !== undefined) {
    console.log(await makeKeyPair(values['make-key']));
    process.exit();
  }
  const settings = readSettings(BACKUP_VARIABLES, values.list ? undefined : checkBackup);
  const storage = openStorage(settings.url, withSecretFiles(BACKUP_VARIABLES, process.env).env);
  const run = values.list ? list(storage) : back(storage, settings, values);
  const { text, value } = await run;
  console.log(values.json ? JSON.stringify(value, null, 2) : text);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  if (process.argv.includes('--json')) console.log(JSON.stringify({ error: error.message }));
  process.exit(1);
}

async function list(storage: Storage) {
  const clusters = await listClusters(storage);
  const listed = await Promise.all(
    clusters.map(async (id) => listedBackups(id, await listBackups(storage, id), await listWal(storage, id))),
  );
  const text = clusters.map((id, index) => `cluster ${id}\n${listText(listed[index] ?? [])}`).join('\n');
  return { text: text || `there is no backup in ${storage.url}`, value: listed.flat() };
}

async function back(storage: Storage, settings: Settings, values: { full: boolean; keep: boolean }) {
  const progress = createProgress(process.stderr);
  const record = await takeBackup({
    storage,
    databaseUrl: settings.databaseUrl ?? '',
    tools: await findPgTools(),
    recipients: settings.recipients,
    keyEncryptionKeys: settings.keyEncryptionKeys ?? '',
    mayBeIncremental: !values.full,
    fullEveryMs: settings.fullEveryDays * DAY_MS,
    maxRate: settings.maxRate ?? '',
    onProgress: (bytes, of) =>
      progress.show({ what: 'backing up', done: Math.min(bytes, of), of, note: megabytes(bytes) }),
  });
  progress.end();
  const expired = values.keep ? undefined : await applyRetention(storage, record.clusterId, settings);
  const removed = expired
    ? `; removed ${expired.backups.length} backups and ${expired.wal.length} files of WAL that are not kept any more`
    : '';
  const text = `${record.label}: ${record.kind} backup of ${megabytes(record.bytes)} as ${megabytes(record.storedBytes)} in ${storage.url}${removed}`;
  return { text, value: record };
}
