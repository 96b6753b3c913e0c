// Which backups and which WAL are kept: so many full backups, and all that restores any moment of so many days.
import { type Backup, backupPrefix, isWhole, listBackups } from './catalog.ts';
import type { Storage } from './storage.ts';
import { type ArchivedWal, listWal } from './wal-archive.ts';
import { parseLsn, parseSegment, segmentAt } from './wal-names.ts';

/** How much is kept. */
export interface Retention {
  /** How many full backups at least. */
  readonly keepFull: number;
  /** Every moment of so many days can be restored. */
  readonly keepDays: number;
}

/** What is not kept. */
export interface Expired {
  readonly backups: readonly Backup[];
  readonly wal: readonly ArchivedWal[];
}

const DAY_MS = 24 * 60 * 60_000;

/**
 * What may go. Nothing is counted but whole backups, so those that failed push none out. Without a whole backup everything
 * stays. Incomplete backups go, because the caller alone makes backups of the cluster.
 */
export function expiredOf(
  backups: readonly Backup[],
  wal: readonly ArchivedWal[],
  { keepFull, keepDays }: Retention,
  now: number,
): Expired {
  const whole = backups.filter(isWhole);
  const full = whole.filter(({ record }) => record?.kind === 'full');
  // The last full backup from before those days is needed for their beginning.
  const beforeThem = full.findLastIndex(
    ({ record }) => Date.parse(record?.endedAt ?? '') <= now - keepDays * DAY_MS,
  );
  const oldest = full[Math.max(0, Math.min(full.length - keepFull, beforeThem))];
  if (!oldest?.record) return { backups: [], wal: [] };
  const { label, startLsn, segmentBytes } = oldest.record;
  const firstNeeded = segmentAt(parseLsn(startLsn), segmentBytes);
  return {
    backups: backups.filter((backup) => !isWhole(backup) || backup.label < label),
    wal: wal.filter(({ name }) => {
      const segment = parseSegment(name.slice(0, 24), segmentBytes);
      return segment !== undefined && segment.number < firstNeeded;
    }),
  };
}

/** Removes what is not kept: first the record of a backup, so that one of which a part is gone never counts as whole. */
export async function applyRetention(
  storage: Storage,
  clusterId: string,
  retention: Retention,
): Promise<Expired> {
  const expired = expiredOf(
    await listBackups(storage, clusterId),
    await listWal(storage, clusterId),
    retention,
    Date.now(),
  );
  for (const { label, objects } of expired.backups) {
    const record = `${backupPrefix(clusterId, label)}backup.json`;
    await storage.remove([record]);
    await storage.remove(objects.map(({ key }) => key).filter((key) => key !== record));
  }
  await storage.remove(expired.wal.map(({ key }) => key));
  await storage.removeAbandoned();
  return expired;
}
