// Writes a line on the audit trail before each call of an admin service is done, and how the call ended.
import { hash, randomUUID } from 'node:crypto';
import type { ApprovalRequest, AuditTrail } from '../../domain/act.ts';
import { type ActLine, auditedAct, auditedRead, type ReadState } from '../../usecases/index.ts';
import type { Caller } from '../caller.ts';
import { contractOf } from '../contracts.ts';
import type { Handlers, Service, UnaryHandler } from '../handlers.ts';
import { auditedTarget, type WireTarget } from './targets.ts';

/** The fields that name a target in requests and responses of admin services. */
interface Targets {
  readonly keyId?: string;
  readonly job?: string;
  readonly measure?: string;
  readonly deadLetterIds?: readonly bigint[];
  readonly userId?: bigint;
  readonly tier?: string;
  readonly currencyCode?: string;
  readonly policy?: { readonly tier?: string; readonly currencyCode?: string };
  readonly target?: WireTarget;
  readonly walletId?: string;
  readonly transferId?: string;
  readonly webhookId?: string;
  readonly transfer?: { readonly transferId?: string };
  /** Why, of acts that have to say so. */
  readonly reason?: string;
  readonly apiKey?: { readonly keyId?: string };
  readonly backup?: { readonly backupId?: string };
  readonly drill?: { readonly drillId?: string };
}

type AnyHandler = UnaryHandler<unknown, unknown>;

/**
 * Wraps handlers. A call that changes something is done only after an 'attempted' line has been written; its outcome
 * follows under the same id, with the target's state before and after. The answer of a read is sent only after its line has
 * been written. Refuses UNAVAILABLE where the trail cannot be written. `approve` throws for acts that wait for a second key.
 */
export function withAudit<S extends Service>(
  service: S,
  handlers: Handlers<S>,
  trail: AuditTrail,
  readState?: ReadState,
  approve?: (request: ApprovalRequest) => Promise<void>,
): Handlers<S> {
  const wrapped = Object.entries(service).map(([name, method]) => {
    const handler = handlers[name] as unknown as AnyHandler;
    const rpc = method.path.slice(1);
    const isRead = contractOf(method).rules.isReadOnly;
    const audited: AnyHandler = (request, caller) => {
      const line = lineOf(rpc, request, caller);
      const run = async () => handler(request, caller);
      if (isRead) return auditedRead(trail, line, run);
      const runApproved = async () => {
        await approve?.(approvalOf(line, request, caller));
        return run();
      };
      return auditedAct(trail, line, { run: runApproved, createdId: createdIdOf, readState });
    };
    return [name, audited];
  });
  return Object.fromEntries(wrapped);
}

/** The second key has to send the same request; the idempotency key is its own. */
function approvalOf(
  { rpc, target, reason, keyId }: ActLine,
  request: unknown,
  caller: Caller,
): ApprovalRequest {
  const text = JSON.stringify(request, (_name, value) => (typeof value === 'bigint' ? `${value}` : value));
  return {
    ...{ rpc, target, reason, keyId },
    fingerprint: hash('sha256', text, 'hex'),
    idempotencyKey: contractOf({ path: `/${rpc}` }).rules.idempotencyKey ? caller.key.key : '',
  };
}

/** The id of what a response says was made; empty where nothing was. */
function createdIdOf(response: unknown): string {
  const { apiKey, backup, drill, transfer, policy } = response as Targets;
  return apiKey?.keyId ?? backup?.backupId ?? drill?.drillId ?? transfer?.transferId ?? policyName(policy);
}

/** A limit policy as TIER/CURRENCY; empty where none is named. */
function policyName(policy: Targets['policy']): string {
  return policy?.tier && policy.currencyCode ? `${policy.tier}/${policy.currencyCode}` : '';
}

/** What a request of an admin service is about, by its id. */
function targetOf(request: Targets): string {
  const { keyId, job, measure, deadLetterIds, userId, policy, target, walletId, transferId, webhookId } =
    request;
  // Of API keys, userId says for whom they may act.
  const user = 'displayName' in request || !userId ? '' : userId.toString();
  const account = (walletId || transferId || webhookId)?.toLowerCase() || auditedTarget(target);
  return (
    keyId || job || measure || deadLetterIds?.join(',') || account || user || policyName(policy ?? request)
  );
}

function lineOf(rpc: string, request: unknown, { call }: Caller): ActLine {
  return {
    actId: randomUUID(),
    keyId: call.keyId ?? '',
    actor: 'key',
    clientAddress: call.clientAddress ?? '',
    rpc,
    target: targetOf(request as Targets),
    reason: (request as Targets).reason ?? '',
    requestId: call.id,
    trace: call.trace,
    count: 1,
  };
}
