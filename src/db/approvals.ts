// Which acts of operators wait for a second key, and that key's approval: a function of the database's owner decides (migration
// 0104).
import type { Pool } from 'pg';
import type { ApprovalRequest, PendingAct } from '../domain/act.ts';
import { microsOf } from './sql.ts';

const APPROVE = `
  SELECT act_id, ${microsOf('expires')} AS expires FROM approve_act($1, $2, $3, $4, $5, $6)`;

/** What an act waits for; undefined where it may be done now. */
export async function approveAct(pool: Pool, request: ApprovalRequest): Promise<PendingAct | undefined> {
  const { rpc, fingerprint, target, reason, keyId, idempotencyKey } = request;
  const { rows } = await pool.query<{ act_id: string | null; expires: string }>({
    name: 'approve-act',
    text: APPROVE,
    values: [rpc, fingerprint, target, reason, keyId, idempotencyKey],
  });
  const [row] = rows;
  return row?.act_id ? { id: row.act_id, expiresAt: Number(row.expires) } : undefined;
}
