// admin.v1.WebhookService: webhooks of all owners, for operators.
import { WebhookServiceService } from '../../../gen/ts/admin/v1/webhook_service.ts';
import type { AuditTrail } from '../../domain/act.ts';
import { type AdminCore, resumeWebhook, webhookState } from '../../usecases/index.ts';
import type { Handlers } from '../handlers.ts';
import { withAudit } from './audit-calls.ts';

/** The handlers of admin.v1.WebhookService, with every call on the audit trail. */
export const webhookService = (core: AdminCore, trail: AuditTrail): Handlers<typeof WebhookServiceService> =>
  withAudit(WebhookServiceService, handlers(core), trail, (id) => webhookState(core, id));

const handlers = (core: AdminCore): Handlers<typeof WebhookServiceService> => ({
  async resumeWebhook({ webhookId }) {
    await resumeWebhook(core, webhookId.toLowerCase());
    return {};
  },
});
