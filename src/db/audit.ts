// The audit trail in the database: its table allows only to append and to read.
import type { Pool } from 'pg';
import type { Act, ActOutcome } from '../domain/act.ts';
import { type Page, pageOf } from '../domain/page.ts';
import type { Micros } from '../domain/time.ts';
import type { Queries } from './pool.ts';
import { microsOf } from './sql.ts';

const APPEND = `
  INSERT INTO audit_acts (act_id, key_id, actor, client_address, rpc, target, outcome, reason, before, after, request_id, count)
  SELECT act_id, key_id, actor, client_address, rpc, target, outcome, reason, before, after, request_id, count
  FROM jsonb_to_recordset($1::jsonb) AS acts (act_id uuid, key_id text, actor text, client_address text, rpc text,
    target text, outcome text, reason text, before jsonb, after jsonb, request_id text, count bigint)`;

/** Appends lines, all or none. */
export async function appendActs(pool: Pool, acts: readonly Act[]): Promise<void> {
  if (acts.length === 0) return;
  const rows = acts.map((act) => ({
    act_id: act.actId,
    key_id: act.keyId.slice(0, 64),
    actor: act.actor.slice(0, 200),
    client_address: act.clientAddress.slice(0, 64),
    rpc: act.rpc.slice(0, 200),
    target: act.target.slice(0, 200),
    outcome: act.outcome,
    reason: act.reason.slice(0, 500),
    before: act.before,
    after: act.after,
    request_id: act.requestId.slice(0, 64),
    count: act.count,
  }));
  await pool.query({ name: 'append-acts', text: APPEND, values: [actJson(rows)] });
}

/** JSON of acts: amounts and ids that are bigints become text. */
function actJson(value: unknown): string {
  return JSON.stringify(value, (_key, field) => (typeof field === 'bigint' ? field.toString() : field));
}

/** A line as it is kept. */
export interface KeptAct extends Omit<Act, 'before' | 'after'> {
  readonly id: bigint;
  readonly occurredAt: Micros;
  /** JSON; empty where there is none. */
  readonly before: string;
  readonly after: string;
}

/** Which lines to read; an empty text takes all. */
export interface ActFilter {
  readonly keyId: string;
  readonly rpc: string;
  readonly target: string;
  readonly requestId: string;
  readonly from: Micros | undefined;
  readonly before: Micros | undefined;
}

const LIST = `
  SELECT id, ${microsOf('occurred_at')} AS occurred_at, act_id, key_id, actor, client_address, rpc, target, outcome, reason,
    coalesce(before::text, '') AS before, coalesce(after::text, '') AS after, request_id, count
  FROM audit_acts
  WHERE ($1 = '' OR key_id = $1) AND ($2 = '' OR rpc = $2) AND ($3 = '' OR target = $3)
    AND ($4::bigint IS NULL OR occurred_at >= timestamptz 'epoch' + $4 * interval '1 microsecond')
    AND ($5::bigint IS NULL OR occurred_at < timestamptz 'epoch' + $5 * interval '1 microsecond')
    AND ($6::bigint = 0 OR id < $6) AND ($8 = '' OR request_id = $8)
  ORDER BY id DESC LIMIT $7`;

/** Lines, newest first, one page; `after` is the place where the page before ended, or 0. */
export async function listActs(
  db: Queries,
  { keyId, rpc, target, requestId, from, before }: ActFilter,
  after: bigint,
  size: number,
): Promise<Page<KeptAct, bigint>> {
  type Row = Record<
    | 'id'
    | 'occurred_at'
    | 'act_id'
    | 'key_id'
    | 'actor'
    | 'client_address'
    | 'rpc'
    | 'target'
    | 'outcome'
    | 'reason'
    | 'before'
    | 'after'
    | 'request_id'
    | 'count',
    string
  >;
  const values = [keyId, rpc, target, from ?? null, before ?? null, after.toString(), size + 1, requestId];
  const { rows } = await db.query<Row>(LIST, values);
  const acts = rows.map((row) => ({
    id: BigInt(row.id),
    occurredAt: Number(row.occurred_at),
    actId: row.act_id,
    keyId: row.key_id,
    actor: row.actor,
    clientAddress: row.client_address,
    rpc: row.rpc,
    target: row.target,
    outcome: row.outcome as ActOutcome,
    reason: row.reason,
    before: row.before,
    after: row.after,
    requestId: row.request_id,
    count: Number(row.count),
  }));
  return pageOf(acts, size, ({ id }) => id);
}
