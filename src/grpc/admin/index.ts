// admin.v1 in terms of the use cases, one file a service. Every call is on the audit trail (audit-calls.ts).
export { accountService } from './accounts.ts';
export { apiKeyService } from './api-keys.ts';
export { auditService } from './audit.ts';
export { jobService } from './jobs.ts';
export { limitService } from './limits.ts';
export { recoveryService } from './recovery.ts';
export { statisticsService } from './statistics.ts';
export { webhookService } from './webhooks.ts';
