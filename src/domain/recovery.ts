// Backups and drills as operators see them, and what makes a drill fail.
import type { Micros } from './time.ts';

/** What a run does. */
export type RunKind = 'backup' | 'drill';

/** Every kind of run. */
export const RUN_KINDS = ['backup', 'drill'] as const satisfies readonly RunKind[];

/** Who asked for a run that no caller asked for. */
export const BY_SCHEDULE = 'schedule';

/** The state of a run. `abandoned`: its worker died, or none took it in time. */
export type RunState = 'queued' | 'running' | 'succeeded' | 'failed' | 'abandoned';

/** A request for a run. */
export interface RunRequest {
  readonly kind: RunKind;
  /** A full backup, also where an incremental one would do. */
  readonly isFull: boolean;
  /** The id of an API key, or BY_SCHEDULE. */
  readonly requestedBy: string;
  /** The caller's name for the request; undefined for the schedule's. */
  readonly key: { readonly key: string; readonly fingerprint: string } | undefined;
}

/** What became of a request. */
export type RequestResult =
  /** It is queued, or was before under the same key. */
  | { readonly kind: 'accepted'; readonly runId: string }
  /** Its key was used with another request. */
  | { readonly kind: 'key reused' }
  | { readonly kind: 'under way'; readonly runId: string }
  /** No worker that is set up for it has been seen lately. */
  | { readonly kind: 'not configured' };

/** The state of a backup: that of its run until it has succeeded, and then that of what is in storage. */
export type BackupState =
  | Exclude<RunState, 'succeeded'>
  | 'complete'
  | 'verified'
  | 'incomplete'
  | 'damaged'
  | 'removed';

/** A backup in storage, as the command that takes backups lists it. */
export interface StoredBackup {
  readonly clusterId: string;
  readonly label: string;
  /** Empty while it is not known. */
  readonly kind: 'full' | 'incremental' | '';
  /** The label of the backup that an incremental one builds upon; empty for others. */
  readonly base: string;
  readonly state: 'complete' | 'verified' | 'incomplete' | 'damaged';
  readonly startedAt: Micros | undefined;
  readonly endedAt: Micros | undefined;
  readonly bytes: number;
  readonly storedBytes: number;
  readonly isEncrypted: boolean;
  readonly timeline: number;
  readonly startLsn: string;
  readonly endLsn: string;
  /** The last segment of WAL that follows it without a gap, and when that was archived. */
  readonly lastWal: string;
  readonly restorableUntil: Micros | undefined;
  readonly verifiedAt: Micros | undefined;
}

/** When a run was asked for, and how it went. */
export interface RunTimes {
  /** Undefined for a backup that nobody asked ppuri for. */
  readonly requestedAt: Micros | undefined;
  readonly requestedBy: string;
  readonly startedAt: Micros | undefined;
  readonly endedAt: Micros | undefined;
  /** Why it failed; empty where it did not. */
  readonly error: string;
}

/** A backup: its run, what is in storage, or both. */
export interface Backup extends Omit<StoredBackup, 'state'>, RunTimes {
  readonly id: string;
  readonly state: BackupState;
  /** Its place in the list. */
  readonly listedAs: Micros;
}

/** The figures of a drill, as its command prints them. */
export interface DrillFigures {
  readonly drill: string;
  readonly seed: number;
  readonly rtoSeconds: number;
  readonly rpoSeconds: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly doubled: number;
  readonly stale: number;
  readonly booksOk: boolean;
  /** The backup that was restored and those that it builds upon, the last one last; none where the drill makes its own. */
  readonly backups: readonly string[];
  /** When the backup that was restored ended, as ISO 8601; empty where there is none. */
  readonly backupEndedAt: string;
}

/** A drill. */
export interface Drill extends RunTimes {
  readonly id: string;
  readonly state: RunState;
  readonly requestedAt: Micros;
  /** Undefined where it did not get so far. */
  readonly figures: DrillFigures | undefined;
}

/** How far WAL is archived, as the database says. */
export interface WalArchive {
  /** Empty where nothing was archived yet. */
  readonly lastWal: string;
  readonly archivedAt: Micros | undefined;
  /** When a worker last read the list of the storage. */
  readonly listedAt: Micros | undefined;
}

/** Why a run was abandoned, for operators. */
export function abandonedBecause(startedAt: Micros | undefined): string {
  return startedAt === undefined
    ? 'no worker took it in time'
    : 'its worker stopped, died or lost the database before it was done';
}

/** Why a drill failed that printed these figures; empty where it brought back what it has to. */
export function drillFault(figures: DrillFigures, exitCode: number | null): string {
  const { acknowledged, lost, doubled, stale, booksOk, rtoSeconds } = figures;
  const count = (number: number, one: string, more: string) => `${number} ${number === 1 ? one : more}`;
  const faults = [
    ...(booksOk ? [] : ['the restored ledger does not agree with itself']),
    ...(lost > 0 ? [`${count(lost, 'payment', 'payments')} that had been answered are lost`] : []),
    ...(doubled > 0 ? [`${count(doubled, 'payment was', 'payments were')} made more than once`] : []),
    ...(stale > 0
      ? [`${count(stale, 'balance was', 'balances were')} shown that the ledger does not have`]
      : []),
    ...(acknowledged > 0 ? [] : ['no payment was found, so nothing is proven']),
  ];
  if (faults.length === 0 && exitCode !== 0) faults.push(`it took too long: ${rtoSeconds} s`);
  return faults.join('; ');
}
