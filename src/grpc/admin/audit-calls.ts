// Writes a line on the audit trail before each call of an admin service is done, and how the call ended.
import { randomUUID } from 'node:crypto';
import type { Act, AuditTrail } from '../../domain/act.ts';
import { errorText } from '../../domain/error-fields.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Caller } from '../caller.ts';
import { contractOf } from '../contracts.ts';
import type { Handlers, Service, UnaryHandler } from '../handlers.ts';

/** Reads the state of a target, without secrets; undefined where there is no such target. */
export type ReadState = (target: string) => Promise<object | undefined>;

/** The fields that name a target in requests and responses of admin services. */
interface Targets {
  readonly keyId?: string;
  readonly job?: string;
  readonly measure?: string;
  readonly deadLetterIds?: readonly bigint[];
  readonly apiKey?: { readonly keyId?: string };
}

type AnyHandler = UnaryHandler<unknown, unknown>;

/**
 * Wraps handlers. A call that changes something is done only after an 'attempted' line has been written; its outcome
 * follows under the same id, with the target's state before and after. The answer of a read is sent only after its line has
 * been written. Refuses UNAVAILABLE where the trail cannot be written.
 */
export function withAudit<S extends Service>(
  service: S,
  handlers: Handlers<S>,
  trail: AuditTrail,
  readState?: ReadState,
): Handlers<S> {
  const wrapped = Object.entries(service).map(([name, method]) => {
    const handler = handlers[name] as unknown as AnyHandler;
    const rpc = method.path.slice(1);
    const isRead = contractOf(method).rules.isReadOnly;
    return [name, isRead ? auditRead(rpc, handler, trail) : auditWrite(rpc, handler, trail, readState)];
  });
  return Object.fromEntries(wrapped);
}

/** Errors whose refusal is on the trail already. */
const AUDITED = new WeakSet<object>();

/** Whether a refusal is on the trail already. */
export function isAudited(error: unknown): boolean {
  return typeof error === 'object' && error !== null && AUDITED.has(error);
}

function auditRead(rpc: string, handler: AnyHandler, trail: AuditTrail): AnyHandler {
  return async (request, caller) => {
    const line = lineOf(rpc, request, caller);
    try {
      const response = await handler(request, caller);
      await mustRecord(trail, { ...line, outcome: 'done' });
      return response;
    } catch (error) {
      throw recordFailure(trail, line, error);
    }
  };
}

function auditWrite(rpc: string, handler: AnyHandler, trail: AuditTrail, readState?: ReadState): AnyHandler {
  return async (request, caller) => {
    const line = lineOf(rpc, request, caller);
    await mustRecord(trail, { ...line, outcome: 'attempted' });
    let before: object | undefined;
    let response: unknown;
    try {
      if (readState && line.target !== '') before = await readState(line.target);
      response = await handler(request, caller);
    } catch (error) {
      throw recordFailure(trail, { ...line, before }, error);
    }
    const createdId = (response as Targets).apiKey?.keyId ?? '';
    const target = line.target || createdId;
    const ids = [...new Set([target, createdId])].filter((id) => id !== '');
    // The change is done. A line that cannot be written now is written later; the attempt is on the trail already.
    try {
      const after = readState ? await readStates(ids, readState) : undefined;
      await trail.record({ ...line, target, outcome: 'done', before, after });
    } catch {
      trail.note({ ...line, target, outcome: 'done', before });
    }
    return response;
  };
}

/** The state of one target; of several, each under its id. */
async function readStates(ids: readonly string[], readState: ReadState): Promise<object | undefined> {
  const [only, ...more] = ids;
  if (only === undefined) return undefined;
  if (more.length === 0) return readState(only);
  return Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await readState(id)] as const)));
}

function lineOf(rpc: string, request: unknown, { call }: Caller): Omit<Act, 'outcome'> {
  const { keyId, job, measure, deadLetterIds } = request as Targets;
  return {
    actId: randomUUID(),
    keyId: call.keyId ?? '',
    actor: 'key',
    clientAddress: call.clientAddress ?? '',
    rpc,
    target: keyId || job || measure || deadLetterIds?.join(',') || '',
    reason: '',
    requestId: call.id,
    count: 1,
  };
}

async function mustRecord(trail: AuditTrail, line: Act): Promise<void> {
  await trail.record(line).catch(() => {
    throw new Refusal('UNAVAILABLE', { retryAfterMs: 1000 });
  });
}

/** Returns the error, for its caller to throw. */
function recordFailure(trail: AuditTrail, line: Omit<Act, 'outcome'>, error: unknown): unknown {
  const isRefusal = error instanceof Refusal;
  trail.note({
    ...line,
    outcome: isRefusal ? 'refused' : 'failed',
    reason: isRefusal ? error.reason : errorText(error),
  });
  if (typeof error === 'object' && error !== null) AUDITED.add(error);
  return error;
}
