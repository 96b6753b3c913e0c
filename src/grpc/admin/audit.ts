// admin.v1.AuditService: the audit trail, for operators.
import { AuditServiceService, ActOutcome as WireOutcome } from '../../../gen/ts/admin/v1/audit_service.ts';
import type { ActOutcome, AuditTrail } from '../../domain/act.ts';
import { pageSize } from '../../domain/page.ts';
import { type AdminCore, listActs } from '../../usecases/index.ts';
import type { Handlers } from '../handlers.ts';
import { decodeUserToken, encodeUserToken } from '../page-token.ts';
import { toBound, toTimestamp } from '../timestamp.ts';
import { withAudit } from './audit-calls.ts';

/** The handlers of admin.v1.AuditService, with every call on the audit trail. */
export const auditService = (core: AdminCore, trail: AuditTrail): Handlers<typeof AuditServiceService> =>
  withAudit(AuditServiceService, handlers(core), trail);

const handlers = (core: AdminCore): Handlers<typeof AuditServiceService> => ({
  async listActs({ keyId, rpc, target, requestId, from: start, before: end, pageSize: asked, pageToken }) {
    const from = toBound(start, 'from');
    const before = toBound(end, 'before');
    const list = ['acts', keyId, rpc, target, requestId, from, before];
    const filter = { keyId, rpc, target, requestId, from, before };
    const { items, next } = await listActs(core, filter, decodeUserToken(list, pageToken), pageSize(asked));
    return {
      acts: items.map(({ id: _id, occurredAt, outcome, count, ...act }) => ({
        ...act,
        occurredAt: toTimestamp(occurredAt),
        outcome: WIRE_OUTCOMES[outcome],
        count: BigInt(count),
      })),
      nextPageToken: encodeUserToken(list, next),
    };
  },
});

const WIRE_OUTCOMES: Record<ActOutcome, WireOutcome> = {
  attempted: WireOutcome.ATTEMPTED,
  done: WireOutcome.DONE,
  refused: WireOutcome.REFUSED,
  failed: WireOutcome.FAILED,
  denied: WireOutcome.DENIED,
  unauthenticated: WireOutcome.UNAUTHENTICATED,
  dropped: WireOutcome.DROPPED,
};
