// The list of backups in storage, as a worker last read it. It replaces the one before.
import type { StoredBackup } from '../../domain/recovery.ts';
import type { Reader } from '../pool.ts';
import { textArray, timestamptz } from '../sql.ts';

const LISTED = `
  listed AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS l (cluster_id text, label text, kind text, base_label text,
    state text, started_at timestamptz, ended_at timestamptz, bytes bigint, stored_bytes bigint, is_encrypted boolean,
    timeline integer, start_lsn text, end_lsn text, last_wal text, restorable_until timestamptz, verified_at timestamptz))`;

const upsert = (seenAt: string) => `
  INSERT INTO stored_backups (cluster_id, label, kind, base_label, state, started_at, ended_at, bytes, stored_bytes,
    is_encrypted, timeline, start_lsn, end_lsn, last_wal, restorable_until, verified_at, seen_at)
  SELECT cluster_id, label, kind, base_label, state, started_at, ended_at, bytes, stored_bytes,
    is_encrypted, timeline, start_lsn, end_lsn, last_wal, restorable_until, verified_at, ${seenAt} FROM listed
  ON CONFLICT (cluster_id, label) DO UPDATE SET kind = excluded.kind, base_label = excluded.base_label,
    state = excluded.state, started_at = excluded.started_at, ended_at = excluded.ended_at, bytes = excluded.bytes,
    stored_bytes = excluded.stored_bytes, is_encrypted = excluded.is_encrypted, timeline = excluded.timeline,
    start_lsn = excluded.start_lsn, end_lsn = excluded.end_lsn, last_wal = excluded.last_wal,
    restorable_until = excluded.restorable_until, verified_at = excluded.verified_at,
    seen_at = greatest(stored_backups.seen_at, excluded.seen_at)`;

/** It was not seen in the storage yet: when that was last listed stays what it was. */
const ADD = `WITH ${LISTED} ${upsert(`timestamptz '-infinity'`)}`;

const REPLACE = `
  WITH ${LISTED}, gone AS (
    DELETE FROM stored_backups s WHERE NOT EXISTS (
      SELECT FROM listed l WHERE l.cluster_id = s.cluster_id AND l.label = s.label))
  ${upsert('clock_timestamp()')}`;

const MARK_VERIFIED = `
  UPDATE stored_backups SET state = 'verified', verified_at = clock_timestamp()
  WHERE label = ANY ($1::text[]) AND state IN ('complete', 'verified')`;

/** Stores what was listed; `isWhole`: whatever is not in it is in the storage no longer. */
export async function storeBackups(
  db: Reader,
  backups: readonly StoredBackup[],
  { isWhole }: { readonly isWhole: boolean },
): Promise<void> {
  const moment = (at: number | undefined) => (at === undefined ? undefined : timestamptz(at));
  const rows = backups.map((backup) => ({
    cluster_id: backup.clusterId,
    label: backup.label,
    kind: backup.kind,
    base_label: backup.base,
    state: backup.state,
    started_at: moment(backup.startedAt),
    ended_at: moment(backup.endedAt),
    bytes: backup.bytes,
    stored_bytes: backup.storedBytes,
    is_encrypted: backup.isEncrypted,
    timeline: backup.timeline,
    start_lsn: backup.startLsn,
    end_lsn: backup.endLsn,
    last_wal: backup.lastWal,
    restorable_until: moment(backup.restorableUntil),
    verified_at: moment(backup.verifiedAt),
  }));
  const text = isWhole ? REPLACE : ADD;
  const name = isWhole ? 'replace-stored-backups' : 'add-stored-backups';
  await db.query({ name, text, values: [JSON.stringify(rows)] });
}

/** Notes that a drill restored these backups, where no list of the storage says so yet. */
export async function markVerified(db: Reader, labels: readonly string[]): Promise<void> {
  await db.query({ name: 'mark-verified', text: MARK_VERIFIED, values: [textArray(labels)] });
}
