// Reads backups and drills, for operators.

import type { ListPlace } from '../../db/recovery/index.ts';
import type { Page } from '../../domain/page.ts';
import type { Backup, Drill, WalArchive } from '../../domain/recovery.ts';
import type { AdminReads } from '../../repositories/index.ts';

/** Lists of backups and drills are all that these use cases need. */
export type RecoveryCore = Pick<AdminReads, 'recovery'>;

/** Backups, newest first, one page; `after` is where the page before ended. */
export function listBackups(
  { recovery }: RecoveryCore,
  after: ListPlace | undefined,
  size: number,
): Promise<Page<Backup, ListPlace>> {
  return recovery.backups(after, size);
}

/** Drills, newest first, one page. */
export function listDrills(
  { recovery }: RecoveryCore,
  after: ListPlace | undefined,
  size: number,
): Promise<Page<Drill, ListPlace>> {
  return recovery.drills(after, size);
}

/** How far WAL is archived. */
export function walArchive({ recovery }: RecoveryCore): Promise<WalArchive> {
  return recovery.walArchive();
}
