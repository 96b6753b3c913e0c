// admin.v1 in terms of the use cases, one file a service. Every call is on the audit trail (audit-calls.ts).
export { apiKeyService } from './api-keys.ts';
export { auditService } from './audit.ts';
export { isAudited } from './audit-calls.ts';
export { jobService } from './jobs.ts';
export { statisticsService } from './statistics.ts';
