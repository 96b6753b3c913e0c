// Asks a worker for a backup or a drill, for operators.
import { InvariantError } from '../../domain/error-fields.ts';
import type { Backup, Drill, RunRequest } from '../../domain/recovery.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import type { AdminCore } from '../core.ts';

/** Backups and drills are all that these use cases need. */
type RecoveryCore = Pick<AdminCore, 'recovery'>;

/**
 * Queues a backup, or finds the one that the key queued before. Refuses RECOVERY_NOT_CONFIGURED, RECOVERY_RUN_UNDER_WAY and
 * IDEMPOTENCY_KEY_REUSED.
 */
export async function startBackup(core: RecoveryCore, request: Omit<RunRequest, 'kind'>): Promise<Backup> {
  return mustBe(await core.recovery.backup(await queue(core, { ...request, kind: 'backup' })));
}

/** Queues a drill, or finds the one that the key queued before. Refuses as `startBackup`. */
export async function startDrill(
  core: RecoveryCore,
  request: Omit<RunRequest, 'kind' | 'isFull'>,
): Promise<Drill> {
  return mustBe(await core.recovery.drill(await queue(core, { ...request, kind: 'drill', isFull: false })));
}

async function queue({ recovery }: RecoveryCore, request: RunRequest): Promise<string> {
  const result = await recovery.request(request);
  switch (result.kind) {
    case 'accepted':
      return result.runId;
    case 'key reused':
      throw refuseField('IDEMPOTENCY_KEY_REUSED', 'idempotency-key');
    case 'under way':
      throw new Refusal('RECOVERY_RUN_UNDER_WAY', { metadata: { run_id: result.runId } });
    case 'not configured':
      throw new Refusal('RECOVERY_NOT_CONFIGURED');
  }
}

function mustBe<T>(found: T | undefined): T {
  if (found === undefined) throw new InvariantError('a run of recovery that was queued is not listed');
  return found;
}
