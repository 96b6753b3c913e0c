// Backups and drills of recovery: servers read what workers noted, and ask workers for more.
import type { Pool, Queries } from '../db/pool.ts';
import {
  findBackup,
  findDrill,
  type ListPlace,
  listBackups,
  listDrills,
  requestRun,
  walArchive,
} from '../db/recovery/index.ts';
import type { Page } from '../domain/page.ts';
import type { Backup, Drill, RequestResult, RunRequest, WalArchive } from '../domain/recovery.ts';

/** Backups and drills as ops list them. */
export interface RecoveryLists {
  /** Newest first, one page. */
  backups(after: ListPlace | undefined, size: number): Promise<Page<Backup, ListPlace>>;
  drills(after: ListPlace | undefined, size: number): Promise<Page<Drill, ListPlace>>;
  walArchive(): Promise<WalArchive>;
}

/** Backups and drills as ops see and start them. */
export interface RecoveryRepository extends RecoveryLists {
  backup(id: string): Promise<Backup | undefined>;
  drill(id: string): Promise<Drill | undefined>;
  /** Queues a run, or finds the one that the same key queued before. */
  request(request: RunRequest): Promise<RequestResult>;
}

export function createRecoveryLists(db: Queries): RecoveryLists {
  return {
    backups: (after, size) => listBackups(db, after, size),
    drills: (after, size) => listDrills(db, after, size),
    walArchive: () => walArchive(db),
  };
}

export function createRecoveryRepository(pool: Pool): RecoveryRepository {
  return {
    ...createRecoveryLists(pool),
    backup: (id) => findBackup(pool, id),
    drill: (id) => findDrill(pool, id),
    request: (request) => requestRun(pool, request),
  };
}
