// `npm run restore -- --to TIME`: plans a restore to a moment, and with --into runs it into a new folder.
import { globSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { reportCrashes } from '../src/runtime/crash.ts';
import { withSecretFiles } from '../src/runtime/env.ts';
import { onStopSignal, readCommandLine, SetupError } from './cli/program.ts';
import { createProgress } from './cli/progress.ts';
import { RESTORE_VARIABLES, readSettings } from './cli/variables.ts';
import { killProcesses } from './dev/processes.ts';
import { findPgTools } from './ops/parts/pg-tools.ts';
import { requireCopyable, restoreIntoDatabase } from './recovery/ledger-copy.ts';
import { reportText } from './recovery/report.ts';
import { type RestoreOptions, restore } from './recovery/restore.ts';
import { parseIdentities, parseTarget, planRestore, planText, type Target } from './recovery/restore-plan.ts';
import { openStorage } from './recovery/storage.ts';
import { makeTemporaryWorkFolder, removeWorkFolder } from './recovery/work-folder.ts';

reportCrashes();
const USAGE = `usage: npm run restore -- --to TIME [OPTIONS]
  --to TIME               2026-11-26T04:31:00Z, or latest
  --from URL              where the backups are; BACKUP_URL where it is left out
  --into FOLDER           a new or empty folder; without it nothing is restored, and the plan is printed
  --into DATABASE_URL     an empty database of another cluster, which gets a copy of the ledger
  --identity FILE         the file with the private key of age; BACKUP_IDENTITY_FILE where it is left out
  --cluster ID            of several clusters in one storage
  --timeline N            the newest where it is left out
  --transactions PATH     transactions.log, or a folder with its files: tells of undone transfers that the WAL does not know
  --json                  print the report as JSON`;

const DATABASE = /^postgres(?:ql)?:\/\//;

const stop = () => {
  killProcesses();
  process.exit(1);
};
onStopSignal(stop, stop);
try {
  await main();
} catch (error) {
  killProcesses();
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exit(1);
}

async function main(): Promise<void> {
  const { values } = readCommandLine(USAGE, {
    to: { type: 'string' },
    from: { type: 'string' },
    into: { type: 'string' },
    identity: { type: 'string' },
    cluster: { type: 'string', default: '' },
    timeline: { type: 'string' },
    transactions: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  });
  const settings = readSettings(RESTORE_VARIABLES);
  const url = values.from ?? settings.url;
  if (!url) throw new SetupError('--from or BACKUP_URL is required: where the backups are');
  const storage = openStorage(url, withSecretFiles(RESTORE_VARIABLES, process.env).env);
  const database = DATABASE.test(values.into ?? '') ? values.into : undefined;
  const into = values.into && (database ? workFolder(database) : resolve(values.into));
  const identities = readIdentities(values.identity ?? settings.identityFile);
  const plan = await planRestore({
    storage,
    to: readTarget(values.to),
    clusterId: values.cluster,
    timeline: values.timeline === undefined ? undefined : Number(values.timeline),
    identities,
    into,
  });
  if (database) await requireCopyable(plan, database);
  console.error(planText(plan, storage));
  if (into === undefined) {
    console.error('Nothing was touched. With --into FOLDER this is done.');
    return;
  }
  const progress = createProgress(process.stderr);
  const options: RestoreOptions = {
    plan,
    storage,
    tools: await findPgTools(),
    identities,
    into,
    transactionLogs: values.transactions.flatMap(logsOf),
    moveEpochs: true,
    onProgress: (what, done, of) => progress.show({ what, done, of, note: '' }),
  };
  const report = database ? await restoreIntoDatabase(options, database) : await restore(options);
  progress.end();
  console.log(values.json ? JSON.stringify(report, null, 2) : reportText(report, database !== undefined));
  if (report.ledgers.some(({ faults }) => faults.length > 0)) process.exit(1);
}

/** Where a restore into a database works: in a folder that only its owner can enter, and that goes however this process exits. */
function workFolder(database: string): string {
  if (!URL.canParse(database)) throw new SetupError('--into is no URL of a database');
  const folder = makeTemporaryWorkFolder(console.error);
  process.once('exit', () => removeWorkFolder(folder));
  return join(folder, 'cluster');
}

function readTarget(text = ''): Target {
  const target = parseTarget(text);
  if (target !== undefined) return target;
  throw new SetupError(
    `--to takes a moment with its zone, 2026-11-26T04:31:00Z, or latest, not "${text}"\n${USAGE}`,
  );
}

function readIdentities(file: string | undefined): string[] {
  if (!file) return [];
  try {
    return parseIdentities(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new SetupError(`cannot read ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** The files that a path of --transactions names. */
function logsOf(path: string): string[] {
  try {
    return statSync(path).isDirectory()
      ? globSync('transactions.log*', { cwd: path }).map((name) => join(path, name))
      : [path];
  } catch {
    throw new SetupError(`--transactions: ${path} is not there`);
  }
}
