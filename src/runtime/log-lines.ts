// Lines of the logs `transactions` and `audit`: one JSON document each, in Elastic Common Schema, made without a library,
// because a busy server writes thousands of transfers a second. docs/logs.md lists their fields.
import { randomBytes } from 'node:crypto';
import type { Act, ActOutcome } from '../domain/act.ts';
import { MICROS_PER_MS, type Micros } from '../domain/time.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import type { Transfer } from '../domain/transfer.ts';
import { traceFields } from './tracing.ts';

/** The version of the schema (https://www.elastic.co/docs/reference/ecs). */
export const ECS_VERSION = '8.17.0';

/** Returns ids of lines: unique over processes and restarts, so that a line that is sent twice is stored once. */
export function createEventIds(): () => string {
  const prefix = `${randomBytes(12).toString('base64url')}.`;
  let count = 0;
  return () => prefix + (count++).toString(36);
}

/** What every line of a log begins with, after its time. */
function headOf(log: string): string {
  return `","log.level":"info","ecs.version":"${ECS_VERSION}","service.name":"ppuri","event.dataset":"ppuri.${log}","process.pid":${process.pid},"event.id":"`;
}

const TRANSACTION_HEAD = headOf('transactions');
const AUDIT_HEAD = headOf('audit');

let lastMs = Number.NaN;
let lastIso = '';

/** The transfers of a batch have the same time, and formatting it costs more than the rest of the line. */
function isoTime(at: Micros): string {
  const ms = Math.floor(at / MICROS_PER_MS);
  if (ms !== lastMs) {
    lastMs = ms;
    lastIso = new Date(ms).toISOString();
  }
  return lastIso;
}

/**
 * The line of a posted transfer. Its fields are named one by one, so there is nothing to remove from it: what people wrote
 * to each other is not among them. Amounts are text, because JSON numbers lose digits beyond 2^53. Its event.id is the
 * transfer's id. UUIDs, kinds and currencies need no escaping.
 */
export function transactionLine(
  transfer: Transfer,
  requestId: string,
  trace: TraceContext | undefined,
): string {
  const { id, kind, sprinkleId, keyId } = transfer;
  let line = `{"@timestamp":"${isoTime(transfer.createdAt)}${TRANSACTION_HEAD}${id}","message":"posted","event.kind":"event","event.action":"${kind}","event.outcome":"success","http.request.id":${JSON.stringify(requestId)}`;
  if (trace) line += traceText(trace);
  line += `,"ppuri.transfer.id":"${id}","ppuri.currency":"${transfer.currency}","ppuri.amount":"${transfer.amount}"`;
  line += `,"ppuri.debit.account_id":"${transfer.debitAccountId}","ppuri.debit.balance_after":"${transfer.debitBalanceAfter}"`;
  line += `,"ppuri.credit.account_id":"${transfer.creditAccountId}","ppuri.credit.balance_after":"${transfer.creditBalanceAfter}"`;
  if (sprinkleId !== undefined) line += `,"ppuri.sprinkle.id":"${sprinkleId}"`;
  if (keyId !== undefined) line += `,"ppuri.key.id":${JSON.stringify(keyId)}`;
  return `${line}}\n`;
}

function traceText({ traceId, spanId, isSampled }: TraceContext): string {
  return `,"trace.id":"${traceId}"${isSampled ? `,"span.id":"${spanId}"` : ''}`;
}

/** ECS knows three outcomes. */
const ECS_OUTCOMES: Record<ActOutcome, 'success' | 'failure' | 'unknown'> = {
  attempted: 'unknown',
  done: 'success',
  refused: 'failure',
  failed: 'failure',
  denied: 'failure',
  unauthenticated: 'failure',
  dropped: 'unknown',
};

/** The line of an entry of the audit trail. */
export function actLine(act: Act, eventId: string, nowMs: number): string {
  const fields = {
    message: `${act.rpc}: ${act.outcome}`,
    'event.kind': 'event',
    'event.action': act.rpc,
    'event.outcome': ECS_OUTCOMES[act.outcome],
    'event.reason': act.reason || undefined,
    'http.request.id': act.requestId || undefined,
    ...traceFields(act.trace),
    'client.address': act.clientAddress || undefined,
    'ppuri.act.id': act.actId,
    'ppuri.act.actor': act.actor,
    'ppuri.act.outcome': act.outcome,
    'ppuri.act.count': act.count,
    'ppuri.act.target': act.target || undefined,
    'ppuri.act.before': stateText(act.before),
    'ppuri.act.after': stateText(act.after),
    'ppuri.key.id': act.keyId || undefined,
  };
  const time = new Date(nowMs).toISOString();
  return `{"@timestamp":"${time}${AUDIT_HEAD}${eventId}",${JSON.stringify(fields).slice(1)}\n`;
}

/** As JSON in a text: targets of many kinds have many fields, which a log store would index one by one. */
function stateText(state: object | undefined): string | undefined {
  if (state === undefined) return undefined;
  // User ids are bigints.
  return JSON.stringify(state, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
}
