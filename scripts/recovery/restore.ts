// Restores a cluster into a new folder: everything happens in a folder beside it, which takes its name once all checks are passed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { SetupError } from '../cli/program.ts';
import { runCommand } from '../dev/processes.ts';
import type { PgTools } from '../ops/parts/pg-tools.ts';
import type { BackupRecord } from './catalog.ts';
import { explainFullDisk } from './disk-space.ts';
import { type MovedEpochs, moveEpochs, type RevokedKey, revokedKeys } from './epochs.ts';
import { checkLedger, type LedgerCheck } from './ledger-check.ts';
import { type Moment, readMoment } from './moment.ts';
import { momentText, type RestorePlan } from './restore-plan.ts';
import { type ScratchPostgres, startScratchPostgres } from './scratch-postgres.ts';
import { unseal } from './sealed-stream.ts';
import type { Content, Storage } from './storage.ts';
import {
  commitThatDropsTransfers,
  mergeUndone,
  type Undone,
  undoneInFuture,
  undoneInLogs,
} from './undone.ts';
import { fetchWal, requireOwn } from './wal-archive.ts';
import { parseLsn } from './wal-names.ts';
import { makeWorkFolder, removeWorkFolder } from './work-folder.ts';

/** What a restore works with. */
export interface RestoreOptions {
  readonly plan: RestorePlan;
  readonly storage: Storage;
  readonly tools: PgTools;
  readonly identities: readonly string[];
  readonly into: string;
  /** Files of transactions.log that may know of undone transfers. */
  readonly transactionLogs: readonly string[];
  /** Whether the cache, the queue and keys are moved on; only a test leaves it out, to see why it is needed. */
  readonly moveEpochs: boolean;
  readonly onProgress: (step: string, done: number, of: number) => void;
}

/** A step and how long it took. */
export interface TimedStep {
  readonly name: string;
  readonly seconds: number;
}

/** What a restore did. */
export interface RestoreReport {
  readonly into: string;
  readonly clusterId: string;
  readonly backup: string;
  /** The last commit that is in the restored cluster, by the database's clock; undefined where the WAL held none. */
  readonly lastCommitAt: string | undefined;
  readonly ledgers: readonly LedgerCheck[];
  readonly epochs: MovedEpochs;
  readonly undone: Undone;
  readonly seconds: number;
  readonly steps: readonly TimedStep[];
}

/** Runs a plan. Throws a SetupError that names what is wrong; then the target is as it was. */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  const draft = `${options.into}.restoring`;
  makeWorkFolder(draft);
  try {
    mkdirSync(join(draft, 'wal'), { mode: 0o700 });
    return await restoreInto(options, draft);
  } catch (error) {
    // Before the draft is removed, because it may be what filled the disk.
    throw explainFullDisk(error, dirname(draft));
  } finally {
    removeWorkFolder(draft);
  }
}

async function restoreInto(options: RestoreOptions, draft: string): Promise<RestoreReport> {
  const { plan, into } = options;
  const record = plan.chain.at(-1) as BackupRecord;
  const startedAt = performance.now();
  const steps: TimedStep[] = [];
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const from = performance.now();
    const result = await work();
    steps.push({ name, seconds: secondsSince(from) });
    return result;
  };
  const cluster = join(draft, 'cluster');
  await step('fetch the backup', () => fetchChain(options, draft, cluster));
  await step('pg_verifybackup', () => verifyBackup(options.tools, cluster));
  await step('fetch the WAL', () => fetchAllWal(options, draft));
  const moment = await step('read the WAL', () => readMoment(plan, options.tools, draft));
  await step('recover', () => recover(options, draft, cluster, moment));
  const future = moment.later.length === 0 ? undefined : join(draft, 'future');
  if (future) await step('copy for what is undone', async () => cpSync(cluster, future, { recursive: true }));
  await using present = await step('promote', () => promote(options, draft, cluster, moment));
  await step('pg_amcheck', () => amcheck(options.tools, present));
  const ledgers = await step('reconcile', () => checkLedgers(present, record.ledgers));
  const { undone, revoked } = await step('list what is undone', () =>
    findUndone(options, { draft, future, present, moment, record }),
  );
  const epochs = await step('move epochs', () => moveAll(options, present, record.ledgers, revoked));
  await step('shut down', () => present.stop());
  takeName(cluster, into);
  return {
    into,
    clusterId: plan.clusterId,
    backup: record.label,
    lastCommitAt: moment.last && momentText(moment.last.at),
    ledgers,
    epochs,
    undone,
    seconds: secondsSince(startedAt),
    steps,
  };
}

/** An empty folder may be there, and is replaced (POSIX, rename). */
function takeName(cluster: string, into: string): void {
  try {
    renameSync(cluster, into);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
    throw new SetupError(`${into} is no empty folder any more, as it was when the restore began`);
  }
}

const secondsSince = (from: number) => Math.round(performance.now() - from) / 1000;

/** Fetches and unpacks the backups, and combines incremental ones with what they build upon. */
async function fetchChain(options: RestoreOptions, draft: string, cluster: string): Promise<void> {
  const { plan, tools } = options;
  const folders: string[] = [];
  for (const record of plan.chain) {
    const folder = plan.chain.length === 1 ? cluster : join(draft, record.label);
    mkdirSync(folder, { mode: 0o700 });
    await fetchBackup(options, record, folder);
    folders.push(folder);
  }
  if (folders.length === 1) return;
  // Hard links: the parts are removed in a moment.
  const combined = await runCommand(tools.pathOf('pg_combinebackup'), ['--link', ...folders, '-o', cluster]);
  if (!combined.ok) throw new SetupError(`pg_combinebackup failed: ${firstError(combined.output)}`);
  for (const folder of folders) rmSync(folder, { recursive: true });
}

async function fetchBackup(
  { storage, identities, onProgress }: RestoreOptions,
  record: BackupRecord,
  folder: string,
): Promise<void> {
  const hash = createHash('sha256');
  const stored = await storage.read(record.files);
  const counted = (async function* (): Content {
    let bytes = 0;
    for await (const piece of stored) {
      hash.update(piece);
      bytes += piece.length;
      onProgress('fetching the backup', bytes, record.storedBytes);
      yield piece;
    }
  })();
  // Files belong to the user who restores, also where that is root.
  const tar = spawn('tar', ['--no-same-owner', '-x', '-f', '-', '-C', folder], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  tar.stderr.on('data', (text) => {
    said += text;
  });
  const ended = once(tar, 'close');
  const plain = await unseal(counted, record.files, identities);
  // tar ends once it has seen the end of the archive, which may be before its pipe is closed from here. Whether all is there is
  // said by its exit code and by the hash.
  await pipeline(plain, tar.stdin).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  });
  const [code] = await ended;
  if (code !== 0) throw new SetupError(`${record.files} cannot be unpacked: ${firstError(said)}`);
  if (hash.digest('hex') !== record.sha256)
    throw new SetupError(`${record.files} is damaged: its SHA-256 is not the one of the backup`);
}

function firstError(output: string): string {
  const lines = output.trim().split('\n');
  return lines.find((line) => /error|mismatch|missing|cannot/i.test(line)) ?? lines[0] ?? '';
}

async function verifyBackup(tools: PgTools, cluster: string): Promise<void> {
  const { ok, output } = await runCommand(tools.pathOf('pg_verifybackup'), [
    '--no-parse-wal',
    '--quiet',
    cluster,
  ]);
  if (!ok) throw new SetupError(`pg_verifybackup refuses the backup: ${firstError(output)}`);
}

/** How many segments are fetched side by side. */
const FETCHES = 3;

async function fetchAllWal(
  { plan, storage, identities, onProgress }: RestoreOptions,
  draft: string,
): Promise<void> {
  const folder = join(draft, 'wal');
  const { segmentBytes } = plan.chain.at(-1) as BackupRecord;
  const files = [...plan.histories, ...plan.segments];
  const rest = files.values();
  let done = 0;
  const run = async () => {
    for (const wal of rest) {
      await fetchWal(storage, wal, folder, identities);
      await requireOwn(folder, wal, { clusterId: plan.clusterId, segmentBytes });
      onProgress('fetching the WAL', ++done, files.length);
    }
  };
  await Promise.all(Array.from({ length: FETCHES }, run));
}

/** Recovers up to the target and shuts down there, before anything is written. */
async function recover(
  options: RestoreOptions,
  draft: string,
  cluster: string,
  moment: Moment,
): Promise<void> {
  writeFileSync(join(cluster, 'recovery.signal'), '');
  if (moment.later.length === 0) return;
  await using postgres = await start(options, draft, cluster, {
    ...targetOf(options),
    recovery_target_action: 'shutdown',
  });
  await postgres.ended;
}

function targetOf({ plan }: RestoreOptions): Record<string, string> {
  const name = `${plan.timeline}`;
  return {
    recovery_target_timeline: name,
    ...(plan.to !== 'latest' && {
      // Abbreviations of time zones are not known yet when Postgres reads this.
      recovery_target_time: momentText(plan.to).replace('Z', '+00'),
      recovery_target_inclusive: 'on',
    }),
  };
}

async function promote(
  options: RestoreOptions,
  draft: string,
  cluster: string,
  { later }: Moment,
): Promise<ScratchPostgres> {
  // Where the WAL ends before the target, all of it is restored.
  const { recovery_target_time: _, ...toTheEnd } = targetOf(options);
  const target = later.length > 0 ? { ...targetOf(options), recovery_target_action: 'promote' } : toTheEnd;
  const postgres = await start(options, draft, cluster, target);
  await waitRecovered(options, postgres, 'recovering');
  return postgres;
}

async function waitRecovered({ plan, onProgress }: RestoreOptions, postgres: ScratchPostgres, what: string) {
  const record = plan.chain.at(-1) as BackupRecord;
  const from = parseLsn(record.startLsn);
  const all = plan.segments.length * record.segmentBytes;
  try {
    await postgres.recovered((lsn) => onProgress(what, Math.min(Number(parseLsn(lsn) - from), all), all));
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

function start(
  { plan, tools }: RestoreOptions,
  draft: string,
  cluster: string,
  settings: Record<string, string>,
) {
  const { superuser } = plan.chain.at(-1) as BackupRecord;
  return startScratchPostgres({
    tools,
    cluster,
    superuser,
    settings,
    walFolder: join(draft, 'wal'),
    logFile: join(draft, 'postgres.log'),
  });
}

/** Checks every table and index of every database. The extension that it needs is gone again afterwards, where it was not there. */
async function amcheck(tools: PgTools, postgres: ScratchPostgres): Promise<void> {
  const { ok, output } = await runCommand(tools.pathOf('pg_amcheck'), [
    ...[...postgres.connection, '--all', '--install-missing=public', '--no-dependent-toast'],
  ]);
  if (!ok) throw new SetupError(`pg_amcheck found damage: ${firstError(output)}`);
}

async function checkLedgers(postgres: ScratchPostgres, names: readonly string[]): Promise<LedgerCheck[]> {
  const checks: LedgerCheck[] = [];
  for (const name of names)
    checks.push(await withClient(postgres, name, (client) => checkLedger(client, name)));
  return checks;
}

async function withClient<T>(
  postgres: ScratchPostgres,
  database: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await postgres.connect(database);
  return work(client).finally(() => client.end());
}

interface UndoneSources {
  readonly draft: string;
  readonly future: string | undefined;
  readonly present: ScratchPostgres;
  readonly moment: Moment;
  readonly record: BackupRecord;
}

/** Lets the copy run on into the undone future, until the WAL ends or the transfers are dropped, and compares. */
async function findUndone(
  options: RestoreOptions,
  { draft, future, present, moment, record }: UndoneSources,
): Promise<{ undone: Undone; revoked: RevokedKey[] }> {
  const transactions = moment.later.length;
  const since = new Date(options.plan.to === 'latest' ? Date.now() : options.plan.to / 1000);
  const [ledger] = record.ledgers;
  if (ledger === undefined)
    return { undone: { transactions, transfers: [], limits: 'no ledger is known' }, revoked: [] };
  return withClient(present, ledger, async (client) => {
    const fromLogs = await undoneInLogs(client, options.transactionLogs, since);
    if (!future) return { undone: { transactions, transfers: fromLogs, limits: '' }, revoked: [] };
    const drop = await commitThatDropsTransfers(client, moment.later);
    const until = drop && {
      recovery_target_lsn: drop.lsn,
      recovery_target_inclusive: 'off',
      recovery_target_action: 'promote',
    };
    await using postgres = await start(options, draft, future, {
      recovery_target_timeline: String(options.plan.timeline),
      ...until,
    });
    await waitRecovered(options, postgres, 'reading what is undone');
    // Awaited here, because Postgres stops when this block ends.
    return await withClient(postgres, ledger, async (gone) => {
      const fromWal = await undoneInFuture(gone, client, since);
      const limits = drop
        ? `the table of transfers was dropped at ${momentText(drop.at)} (${drop.lsn}); the WAL tells of transfers until then`
        : '';
      return {
        undone: { transactions, transfers: mergeUndone(fromWal, fromLogs), limits },
        revoked: await revokedKeys(gone),
      };
    });
  });
}

async function moveAll(
  options: RestoreOptions,
  postgres: ScratchPostgres,
  ledgers: readonly string[],
  revoked: readonly RevokedKey[],
): Promise<MovedEpochs> {
  const moved: MovedEpochs[] = [];
  if (options.moveEpochs)
    for (const name of ledgers)
      moved.push(await withClient(postgres, name, (client) => moveEpochs(client, revoked)));
  return {
    jobs: moved.reduce((sum, { jobs }) => sum + jobs, 0),
    revokedKeys: moved.flatMap((each) => each.revokedKeys),
  };
}
