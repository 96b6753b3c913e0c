// What `npm run backup -- --list` shows.
import { type Backup, type BackupRecord, isWhole, type Verification } from './catalog.ts';
import { megabytes } from './disk-space.ts';
import type { ArchivedWal } from './wal-archive.ts';
import { parseLsn, segmentAt, segmentName } from './wal-names.ts';

/** A backup as it is shown. */
export interface ListedBackup {
  readonly clusterId: string;
  readonly label: string;
  readonly kind: string;
  /** `incomplete` where it is being made, or making it was cut off; `damaged` where a part of it is missing. */
  readonly state: 'complete' | 'verified' | 'incomplete' | 'damaged';
  /** The label of the backup that an incremental one builds upon; empty for a full one. */
  readonly base: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly timeline: number;
  readonly startLsn: string;
  readonly endLsn: string;
  /** The last segment of its timeline that follows it without a gap, and when that was stored; empty where there is none. */
  readonly lastWal: string;
  readonly restorableUntil: string;
  readonly bytes: number;
  readonly storedBytes: number;
  readonly isEncrypted: boolean;
  readonly verified: Verification | undefined;
}

/** The backups of a cluster, oldest first. */
export function listedBackups(
  clusterId: string,
  backups: readonly Backup[],
  wal: readonly ArchivedWal[],
): ListedBackup[] {
  const byName = new Map(wal.map((file) => [file.name, file]));
  return backups.map((backup) => ({
    clusterId,
    label: backup.label,
    kind: backup.record?.kind ?? '',
    base: backup.record?.base ?? '',
    state: stateOf(backup),
    startedAt: backup.record?.startedAt ?? beginningOf(backup.label),
    endedAt: backup.record?.endedAt ?? '',
    timeline: backup.record?.timeline ?? 0,
    startLsn: backup.record?.startLsn ?? '',
    endLsn: backup.record?.endLsn ?? '',
    ...reachOf(backup.record, byName),
    bytes: backup.record?.bytes ?? 0,
    storedBytes: backup.record?.storedBytes ?? 0,
    isEncrypted: backup.record?.isEncrypted ?? false,
    verified: backup.verified,
  }));
}

/** How far WAL follows a backup. Timelines that were begun after it are not followed: their history may be encrypted. */
function reachOf(
  record: BackupRecord | undefined,
  wal: ReadonlyMap<string, ArchivedWal>,
): Pick<ListedBackup, 'lastWal' | 'restorableUntil'> {
  let last: ArchivedWal | undefined;
  if (record) {
    const { timeline, startLsn, segmentBytes } = record;
    const at = (number: bigint) => wal.get(segmentName({ timeline, number }, segmentBytes));
    let number = segmentAt(parseLsn(startLsn), segmentBytes);
    for (let next = at(number); next; next = at(++number)) last = next;
  }
  return {
    lastWal: last?.name ?? '',
    restorableUntil: last ? new Date(last.storedAt).toISOString() : '',
  };
}

/** When a backup began whose record is not there yet, by its label, `20261126T043100Z`; empty for other labels. */
function beginningOf(label: string): string {
  const iso = label.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
  return Number.isNaN(Date.parse(iso)) ? '' : iso;
}

function stateOf(backup: Backup): ListedBackup['state'] {
  if (!backup.record) return 'incomplete';
  if (!isWhole(backup)) return 'damaged';
  return backup.verified ? 'verified' : 'complete';
}

/** The list as text: one line a backup. */
export function listText(backups: readonly ListedBackup[]): string {
  const lines = backups.map(({ label, kind, state, endedAt, bytes, storedBytes, isEncrypted, verified }) =>
    [
      label.padEnd(18),
      kind.padEnd(12),
      state.padEnd(11),
      endedAt.padEnd(25),
      `${megabytes(bytes)} as ${megabytes(storedBytes)}${isEncrypted ? ', encrypted' : ''}`,
      verified ? `  restored by a drill ${verified.at} in ${verified.seconds} s` : '',
    ].join(''),
  );
  return lines.join('\n') || 'there is no backup';
}
