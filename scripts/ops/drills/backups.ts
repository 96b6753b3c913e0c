// The drill of the real backups: the last one is restored, with all WAL that is archived, into a throw-away folder. Nothing else is touched.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withSecretFiles } from '../../../src/runtime/env.ts';
import { SetupError } from '../../cli/program.ts';
import { DRILL_VARIABLES, readSettings } from '../../cli/variables.ts';
import { backupPrefix, listBackups, type Verification } from '../../recovery/catalog.ts';
import { restore } from '../../recovery/restore.ts';
import { parseIdentities, planRestore } from '../../recovery/restore-plan.ts';
import { openStorage, type Storage, writeJson } from '../../recovery/storage.ts';
import { parseRate, throttledStorage } from '../../recovery/throttled-storage.ts';
import { findPgTools } from '../parts/pg-tools.ts';
import { type DrillOptions, type DrillReport, Stopwatch } from './drill.ts';

/** What it says besides. */
export interface BackupsReport extends DrillReport {
  /** When the backup that was restored ended. */
  readonly backupEndedAt: string;
  /** The labels of the backups that were restored, the full one first. */
  readonly backups: readonly string[];
}

/** Runs it on the storage of BACKUP_URL. */
export async function backupsDrill({ folder, seed, log }: DrillOptions): Promise<BackupsReport> {
  const settings = readSettings(DRILL_VARIABLES);
  if (!settings.url) throw new SetupError('BACKUP_URL is required: where the backups are');
  const watch = new Stopwatch(log);
  const tools = await watch.step('find PostgreSQL’s tools', () => findPgTools(log));
  const unbounded = openStorage(settings.url, withSecretFiles(DRILL_VARIABLES, process.env).env);
  const storage = settings.maxRate ? throttledStorage(unbounded, parseRate(settings.maxRate)) : unbounded;
  const identities = settings.identityFile
    ? parseIdentities(readFileSync(settings.identityFile, 'utf8'))
    : [];
  const into = join(folder, 'restored');
  const startedAt = new Date();
  const plan = await watch.step('plan', () =>
    planRestore({ storage, to: 'latest', clusterId: '', timeline: undefined, identities, into }),
  );
  const done = await watch.step('restore', () =>
    restore({
      ...{ plan, storage, tools, identities, into, transactionLogs: [], moveEpochs: true },
      onProgress: () => {},
    }),
  );
  const booksOk = done.ledgers.length > 0 && done.ledgers.every(({ faults }) => faults.length === 0);
  const restoredTo = done.lastCommitAt ?? plan.chain.at(-1)?.endedAt ?? '';
  if (booksOk)
    await noteVerified(unbounded, plan.clusterId, done.backup, {
      at: startedAt.toISOString(),
      restoredTo,
      seconds: done.seconds,
    });
  return {
    drill: 'backups',
    seed,
    rtoSeconds: done.seconds,
    rpoSeconds: Math.max(0, startedAt.getTime() - Date.parse(restoredTo)) / 1000,
    acknowledged: done.ledgers.reduce((sum, { transfers }) => sum + transfers, 0),
    lost: 0,
    doubled: 0,
    stale: 0,
    booksOk,
    steps: [...watch.steps, ...done.steps.map(({ name, seconds }) => ({ name: `  ${name}`, seconds }))],
    backupEndedAt: plan.chain.at(-1)?.endedAt ?? '',
    backups: plan.chain.map(({ label }) => label),
  };
}

/** Notes it beside the backup and those that it builds upon. */
async function noteVerified(
  storage: Storage,
  clusterId: string,
  label: string,
  verified: Verification,
): Promise<void> {
  const backups = await listBackups(storage, clusterId);
  for (
    let next = label;
    next !== '';
    next = backups.find((backup) => backup.label === next)?.record?.base ?? ''
  )
    await writeJson(storage, `${backupPrefix(clusterId, next)}verified.json`, verified);
}
