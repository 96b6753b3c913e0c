// Puts every call of an admin service on the audit trail: before it is done, and how it went.
import { randomUUID } from 'node:crypto';
import type { Act, AuditTrail } from '../../domain/act.ts';
import { errorText } from '../../domain/error-fields.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Caller } from '../caller.ts';
import type { Handlers, Service, UnaryHandler } from '../service.ts';

/** How an admin service's calls are told of. */
export interface AuditOptions {
  readonly trail: AuditTrail;
  /** How something stands, without secrets; undefined where there is no such thing. */
  readonly stateOf?: (target: string) => Promise<object | undefined>;
}

/** What tells a target in requests and answers of admin services. */
interface Named {
  readonly keyId?: string;
  readonly job?: string;
  readonly measure?: string;
  readonly deadLetterIds?: readonly bigint[];
  readonly apiKey?: { readonly keyId?: string };
}

/**
 * Wraps handlers. A call that changes something is done only once a line says that it is attempted, and its outcome
 * follows under the same id, with the target before and after it; a call that only looks is answered only once its line is
 * written. Refuses UNAVAILABLE where the trail cannot be written.
 */
export function withAudit<S extends Service>(
  service: S,
  handlers: Handlers<S>,
  rules: AuditOptions,
): Handlers<S> {
  const all = handlers as unknown as Record<string, UnaryHandler<unknown, unknown>>;
  const wrapped = Object.entries(all).map(([name, handler]) => {
    const rpc = (service[name]?.path ?? '').slice(1);
    return [name, /^(?:get|list)/.test(name) ? look(rpc, handler, rules) : act(rpc, handler, rules)] as const;
  });
  return Object.fromEntries(wrapped) as unknown as Handlers<S>;
}

/** Errors whose refusal stands on the trail already. */
const AUDITED = new WeakSet<object>();

/** Whether a refusal was told to the trail by the service itself. */
export function isAudited(error: unknown): boolean {
  return typeof error === 'object' && error !== null && AUDITED.has(error);
}

type AnyHandler = UnaryHandler<unknown, unknown>;

function look(rpc: string, handler: AnyHandler, { trail }: AuditOptions): AnyHandler {
  return async (request, caller) => {
    const line = lineOf(rpc, request, caller);
    try {
      const response = await handler(request, caller);
      await mustRecord(trail, { ...line, outcome: 'done' });
      return response;
    } catch (error) {
      throw told(trail, line, error);
    }
  };
}

function act(rpc: string, handler: AnyHandler, { trail, stateOf }: AuditOptions): AnyHandler {
  return async (request, caller) => {
    const line = lineOf(rpc, request, caller);
    await mustRecord(trail, { ...line, outcome: 'attempted' });
    let before: object | undefined;
    let response: unknown;
    try {
      if (stateOf && line.target !== '') before = await stateOf(line.target);
      response = await handler(request, caller);
    } catch (error) {
      throw told(trail, { ...line, before }, error);
    }
    const made = (response as Named).apiKey?.keyId ?? '';
    const target = line.target || made;
    const states = [...new Set([target, made])].filter((id) => id !== '');
    // It is done: what cannot be written now is written later, and the attempt stands on the trail already.
    try {
      const after = stateOf ? await statesOf(states, stateOf) : undefined;
      await trail.record({ ...line, target, outcome: 'done', before, after });
    } catch {
      trail.note({ ...line, target, outcome: 'done', before });
    }
    return response;
  };
}

/** How one thing stands; of several, each under its id. */
async function statesOf(
  ids: readonly string[],
  stateOf: NonNullable<AuditOptions['stateOf']>,
): Promise<object | undefined> {
  const [only, ...more] = ids;
  if (only === undefined) return undefined;
  if (more.length === 0) return stateOf(only);
  return Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await stateOf(id)] as const)));
}

function lineOf(rpc: string, request: unknown, { call }: Caller): Omit<Act, 'outcome'> {
  const { keyId, job, measure, deadLetterIds } = request as Named;
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

function told(trail: AuditTrail, line: Omit<Act, 'outcome'>, error: unknown): unknown {
  const isRefusal = error instanceof Refusal;
  trail.note({
    ...line,
    outcome: isRefusal ? 'refused' : 'failed',
    reason: isRefusal ? error.reason : errorText(error),
  });
  if (typeof error === 'object' && error !== null) AUDITED.add(error);
  return error;
}
