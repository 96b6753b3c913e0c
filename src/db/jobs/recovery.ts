// What is known of backups and drills: the last drill of the backups, and how far WAL is archived.
import type { Reader } from '../pool.ts';

/** The last drill. */
export interface DrillState {
  readonly ok: boolean;
  /** Undefined where it did not get so far. */
  readonly rtoSeconds: number | undefined;
  readonly rpoSeconds: number | undefined;
  /** How long ago the backup that it restored had ended, at this moment. */
  readonly backupAgeSeconds: number | undefined;
}

/** How what is lost could be brought back. */
export interface RecoveryState {
  /** Undefined before the first drill, and where none is set up. */
  readonly drill: DrillState | undefined;
  /** How long ago WAL was last archived; undefined where it never was. */
  readonly walLagSeconds: number | undefined;
}

/**
 * The last drill that ended by itself decides: one whose worker was stopped proves nothing. The backup is that of the last one
 * that restored one, and its age grows while there is none.
 */
const STATE = `
  SELECT (SELECT extract(epoch FROM clock_timestamp() - last_archived_time)::float8 FROM pg_stat_archiver) AS "walLagSeconds",
    d.state IS NOT NULL AS "isDrilled", coalesce(d.state = 'succeeded', false) AS ok,
    (d.report ->> 'rtoSeconds')::float8 AS "rtoSeconds", (d.report ->> 'rpoSeconds')::float8 AS "rpoSeconds",
    (SELECT extract(epoch FROM clock_timestamp() - (report ->> 'backupEndedAt')::timestamptz)::float8 FROM recovery_runs
      WHERE kind = 'drill' AND report ->> 'backupEndedAt' <> '' ORDER BY requested_at DESC LIMIT 1) AS "backupAgeSeconds"
  FROM (SELECT) AS always
  LEFT JOIN (
    SELECT state, report FROM recovery_runs WHERE kind = 'drill' AND state IN ('succeeded', 'failed')
    ORDER BY requested_at DESC LIMIT 1) AS d ON true`;

interface Row {
  walLagSeconds: number | null;
  isDrilled: boolean;
  ok: boolean;
  rtoSeconds: number | null;
  rpoSeconds: number | null;
  backupAgeSeconds: number | null;
}

/** Reads it. */
export async function recoveryState(db: Reader): Promise<RecoveryState> {
  const row = (await db.query<Row>({ name: 'recovery-state', text: STATE, values: [] })).rows[0];
  const drill = row?.isDrilled
    ? {
        ok: row.ok,
        rtoSeconds: row.rtoSeconds ?? undefined,
        rpoSeconds: row.rpoSeconds ?? undefined,
        backupAgeSeconds: row.backupAgeSeconds ?? undefined,
      }
    : undefined;
  return { drill, walLagSeconds: row?.walLagSeconds ?? undefined };
}
