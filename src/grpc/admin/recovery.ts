// admin.v1.RecoveryService: backups and drills, for operators.
import {
  RecoveryServiceService,
  BackupKind as WireBackupKind,
  BackupState as WireBackupState,
  DrillState as WireDrillState,
} from '../../../gen/ts/admin/v1/recovery_service.ts';
import type { AuditTrail } from '../../domain/act.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import { pageSize } from '../../domain/page.ts';
import type { Backup, BackupState, Drill, RunState } from '../../domain/recovery.ts';
import type { Micros } from '../../domain/time.ts';
import {
  type AdminCore,
  listBackups,
  listDrills,
  startBackup,
  startDrill,
  walArchive,
} from '../../usecases/index.ts';
import type { Caller } from '../caller.ts';
import type { Handlers } from '../handlers.ts';
import { decodeTimeToken, encodeTimeToken } from '../page-token.ts';
import { toDuration, toTimestamp } from '../timestamp.ts';
import { withAudit } from './audit-calls.ts';

/** The handlers of admin.v1.RecoveryService, with every call on the audit trail. */
export const recoveryService = (
  core: AdminCore,
  trail: AuditTrail,
): Handlers<typeof RecoveryServiceService> => withAudit(RecoveryServiceService, handlers(core), trail);

const BACKUP_LIST = ['backups'];
const DRILL_LIST = ['drills'];

const handlers = (core: AdminCore): Handlers<typeof RecoveryServiceService> => ({
  async listBackups({ pageSize: asked, pageToken }) {
    const after = decodeTimeToken(BACKUP_LIST, pageToken);
    const { items, next } = await listBackups(core, after, pageSize(asked));
    const { lastWal, archivedAt, listedAt } = await walArchive(core);
    return {
      backups: items.map(toWireBackup),
      nextPageToken: encodeTimeToken(BACKUP_LIST, next),
      listedAt: moment(listedAt),
      newestArchivedWal: lastWal,
      newestWalArchivedAt: moment(archivedAt),
    };
  },

  async startBackup({ kind }, caller) {
    const isFull = kind === WireBackupKind.FULL;
    return { backup: toWireBackup(await startBackup(core, { ...requestOf(caller), isFull })) };
  },

  async listDrills({ pageSize: asked, pageToken }) {
    const after = decodeTimeToken(DRILL_LIST, pageToken);
    const { items, next } = await listDrills(core, after, pageSize(asked));
    return { drills: items.map(toWireDrill), nextPageToken: encodeTimeToken(DRILL_LIST, next) };
  },

  async startDrill(_request, caller) {
    return { drill: toWireDrill(await startDrill(core, requestOf(caller))) };
  },
});

/** Who asks, and the name of the request. */
function requestOf({ call, key }: Caller) {
  if (call.keyId === undefined) throw new InvariantError('a call of admin.v1 without a signature');
  return { requestedBy: call.keyId, key };
}

const moment = (at: Micros | undefined) => (at === undefined ? undefined : toTimestamp(at));

const WIRE_KINDS: Record<Backup['kind'], WireBackupKind> = {
  '': WireBackupKind.UNSPECIFIED,
  full: WireBackupKind.FULL,
  incremental: WireBackupKind.INCREMENTAL,
};

const WIRE_BACKUP_STATES: Record<BackupState, WireBackupState> = {
  queued: WireBackupState.QUEUED,
  running: WireBackupState.RUNNING,
  complete: WireBackupState.COMPLETE,
  verified: WireBackupState.VERIFIED,
  incomplete: WireBackupState.INCOMPLETE,
  damaged: WireBackupState.DAMAGED,
  failed: WireBackupState.FAILED,
  abandoned: WireBackupState.ABANDONED,
  removed: WireBackupState.REMOVED,
};

const WIRE_DRILL_STATES: Record<RunState, WireDrillState> = {
  queued: WireDrillState.QUEUED,
  running: WireDrillState.RUNNING,
  succeeded: WireDrillState.PASSED,
  failed: WireDrillState.FAILED,
  abandoned: WireDrillState.ABANDONED,
};

function toWireBackup(backup: Backup) {
  return {
    backupId: backup.id,
    label: backup.label,
    kind: WIRE_KINDS[backup.kind],
    baseLabel: backup.base,
    state: WIRE_BACKUP_STATES[backup.state],
    requestedAt: moment(backup.requestedAt),
    requestedBy: backup.requestedBy,
    startedAt: moment(backup.startedAt),
    endedAt: moment(backup.endedAt),
    bytes: BigInt(backup.bytes),
    storedBytes: BigInt(backup.storedBytes),
    isEncrypted: backup.isEncrypted,
    clusterId: backup.clusterId,
    timeline: backup.timeline,
    startLsn: backup.startLsn,
    endLsn: backup.endLsn,
    lastWal: backup.lastWal,
    restorableUntil: moment(backup.restorableUntil),
    verifiedAt: moment(backup.verifiedAt),
    error: backup.error,
  };
}

function toWireDrill({ id, state, figures, ...drill }: Drill) {
  return {
    drillId: id,
    drill: figures?.drill ?? '',
    state: WIRE_DRILL_STATES[state],
    requestedAt: moment(drill.requestedAt),
    requestedBy: drill.requestedBy,
    startedAt: moment(drill.startedAt),
    endedAt: moment(drill.endedAt),
    seed: BigInt(figures?.seed ?? 0),
    backupLabel: figures?.backups.at(-1) ?? '',
    rto: figures && toDuration(figures.rtoSeconds),
    rpo: figures && toDuration(figures.rpoSeconds),
    payments: BigInt(figures?.acknowledged ?? 0),
    lost: BigInt(figures?.lost ?? 0),
    doubled: BigInt(figures?.doubled ?? 0),
    booksOk: figures?.booksOk ?? false,
    error: drill.error,
  };
}
