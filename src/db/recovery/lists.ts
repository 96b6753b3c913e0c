// Backups and drills as they are listed, newest first.
import { type Page, pageOf } from '../../domain/page.ts';
import type {
  Backup,
  BackupState,
  Drill,
  DrillFigures,
  RunState,
  WalArchive,
} from '../../domain/recovery.ts';
import { abandonedBecause } from '../../domain/recovery.ts';
import type { Micros } from '../../domain/time.ts';
import type { Pool, Queries } from '../pool.ts';
import { microsOf } from '../sql.ts';

/** The last item of a page. */
export interface ListPlace {
  readonly createdAt: Micros;
  readonly id: string;
}

/** The state of a run whose worker died before another one has noted it. */
const RUN_STATE = `CASE WHEN r.state IN ('queued', 'running') AND r.lease_until < clock_timestamp() THEN 'abandoned'
  ELSE r.state END`;

const TIMES = `${microsOf('r.requested_at')} AS requested_at, coalesce(r.requested_by, '') AS requested_by,
  coalesce(r.error, '') AS error`;

/** $1 and $2 are the place where the page before ended, $3 is the one that is asked for, or NULL. */
const FROM_HERE = `
  WHERE ($1::bigint IS NULL OR (at, id) < ($1, $2::uuid)) AND ($3::uuid IS NULL OR id = $3) ORDER BY at DESC, id DESC LIMIT $4`;

/**
 * A run that succeeded stands for its backup in storage. Those that ppuri was not asked for have none, and get an id that
 * their name always gives.
 */
const BACKUPS = `
  SELECT * FROM (
    SELECT coalesce(r.id, md5(s.cluster_id || '/' || s.label)::uuid) AS id,
      ${microsOf('coalesce(r.requested_at, s.started_at, s.seen_at)')} AS at,
      CASE WHEN r.state IS NULL THEN s.state WHEN r.state <> 'succeeded' THEN ${RUN_STATE}
        ELSE coalesce(s.state, 'removed') END AS state,
      ${TIMES}, ${microsOf('coalesce(s.started_at, r.started_at)')} AS started_at,
      ${microsOf('coalesce(s.ended_at, r.ended_at)')} AS ended_at,
      coalesce(s.cluster_id, r.report ->> 'clusterId', '') AS cluster_id,
      coalesce(s.label, r.report ->> 'label', '') AS label,
      coalesce(s.kind, r.report ->> 'kind', CASE WHEN r.is_full THEN 'full' END, '') AS kind,
      coalesce(s.base_label, r.report ->> 'base', '') AS base, coalesce(s.bytes, 0)::float8 AS bytes,
      coalesce(s.stored_bytes, 0)::float8 AS stored_bytes, coalesce(s.is_encrypted, false) AS is_encrypted,
      coalesce(s.timeline, 0) AS timeline, coalesce(s.start_lsn, '') AS start_lsn, coalesce(s.end_lsn, '') AS end_lsn,
      coalesce(s.last_wal, '') AS last_wal, ${microsOf('s.restorable_until')} AS restorable_until,
      ${microsOf('s.verified_at')} AS verified_at
    FROM (SELECT * FROM recovery_runs WHERE kind = 'backup') AS r
    FULL JOIN stored_backups s ON r.report ->> 'label' = s.label AND r.report ->> 'clusterId' = s.cluster_id
  ) AS listed ${FROM_HERE}`;

const DRILLS = `
  SELECT * FROM (
    SELECT r.id, ${microsOf('r.requested_at')} AS at, ${RUN_STATE} AS state, ${TIMES},
      ${microsOf('r.started_at')} AS started_at, ${microsOf('r.ended_at')} AS ended_at,
      CASE WHEN r.report ? 'rtoSeconds' THEN r.report END AS report
    FROM recovery_runs r WHERE r.kind = 'drill'
  ) AS listed ${FROM_HERE}`;

const WAL_ARCHIVE = `
  SELECT last_archived_wal, ${microsOf('last_archived_time')} AS archived_at,
    (SELECT ${microsOf('max(at)')} FROM (
      SELECT seen_at FROM stored_backups WHERE isfinite(seen_at)
      UNION ALL
      -- Of an empty list there is nothing else.
      SELECT ended_at FROM recovery_runs WHERE report @> '{"hasListed": true}'
    ) AS listed (at)) AS listed_at
  FROM pg_stat_archiver`;

type Text<Name extends string> = Record<Name, string>;
type MaybeText<Name extends string> = Record<Name, string | null>;

type RunRow = Text<'id' | 'at' | 'state' | 'requested_by' | 'error'> &
  MaybeText<'requested_at' | 'started_at' | 'ended_at'>;

type BackupRow = RunRow &
  Text<'cluster_id' | 'label' | 'kind' | 'base' | 'start_lsn' | 'end_lsn' | 'last_wal'> &
  MaybeText<'restorable_until' | 'verified_at'> &
  Record<'bytes' | 'stored_bytes' | 'timeline', number> &
  Record<'is_encrypted', boolean>;

type DrillRow = RunRow & { report: DrillFigures | null };

const moment = (micros: string | null): Micros | undefined => (micros === null ? undefined : Number(micros));

/** Backups in storage, those under way, and those that failed; newest first, one page. */
export async function listBackups(
  db: Queries,
  after: ListPlace | undefined,
  size: number,
): Promise<Page<Backup, ListPlace>> {
  const { rows } = await db.query<BackupRow>(BACKUPS, [after?.createdAt, after?.id, null, size + 1]);
  return pageOf(rows.map(toBackup), size, ({ listedAs, id }) => ({ createdAt: listedAs, id }));
}

/** One of them, by its id. */
export async function findBackup(pool: Pool, id: string): Promise<Backup | undefined> {
  const [row] = (await pool.query<BackupRow>(BACKUPS, [null, null, id, 1])).rows;
  return row && toBackup(row);
}

/** Drills, newest first, one page. */
export async function listDrills(
  db: Queries,
  after: ListPlace | undefined,
  size: number,
): Promise<Page<Drill, ListPlace>> {
  const { rows } = await db.query<DrillRow>(DRILLS, [after?.createdAt, after?.id, null, size + 1]);
  return pageOf(rows.map(toDrill), size, ({ requestedAt, id }) => ({ createdAt: requestedAt, id }));
}

/** One of them, by its id. */
export async function findDrill(pool: Pool, id: string): Promise<Drill | undefined> {
  const [row] = (await pool.query<DrillRow>(DRILLS, [null, null, id, 1])).rows;
  return row && toDrill(row);
}

/** How far WAL is archived now, and when a worker last listed the storage. */
export async function walArchive(db: Queries): Promise<WalArchive> {
  type Row = MaybeText<'last_archived_wal' | 'archived_at' | 'listed_at'>;
  const [row] = (await db.query<Row>(WAL_ARCHIVE)).rows;
  return {
    lastWal: row?.last_archived_wal ?? '',
    archivedAt: moment(row?.archived_at ?? null),
    listedAt: moment(row?.listed_at ?? null),
  };
}

function timesOf(row: RunRow) {
  const startedAt = moment(row.started_at);
  return {
    requestedAt: moment(row.requested_at),
    requestedBy: row.requested_by,
    startedAt,
    endedAt: moment(row.ended_at),
    error: row.state === 'abandoned' ? abandonedBecause(startedAt) : row.error,
  };
}

function toBackup(row: BackupRow): Backup {
  return {
    ...timesOf(row),
    id: row.id,
    listedAs: Number(row.at),
    state: row.state as BackupState,
    clusterId: row.cluster_id,
    label: row.label,
    kind: row.kind as Backup['kind'],
    base: row.base,
    bytes: row.bytes,
    storedBytes: row.stored_bytes,
    isEncrypted: row.is_encrypted,
    timeline: row.timeline,
    startLsn: row.start_lsn,
    endLsn: row.end_lsn,
    lastWal: row.last_wal,
    restorableUntil: moment(row.restorable_until),
    verifiedAt: moment(row.verified_at),
  };
}

function toDrill(row: DrillRow): Drill {
  return {
    ...timesOf(row),
    id: row.id,
    requestedAt: Number(row.at),
    state: row.state as RunState,
    figures: row.report ?? undefined,
  };
}
