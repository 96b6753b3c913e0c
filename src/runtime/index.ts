// What both programs are made of. resources.ts opens pools, Redis, cache, ledger and logs, and closes them in reverse order,
// also when a start fails half way; run.ts runs a program until it is told to stop; variables.ts and env.ts read settings;
// metrics/, logs.ts, readiness.ts and ops-server.ts show how a process is. Programs import this file; scripts import the
// leaves that load no driver (crash.ts, private-file.ts, crypto-random.ts, env.ts, variable-kinds.ts,
// variables.ts).

export { createAuditTrail } from './audit-trail.ts';
export { createCallTally } from './call-tally.ts';
export { certificateExpiry } from './certificate-expiry.ts';
export type { Logs } from './logs.ts';
export type { JobRecorder } from './metrics/jobs.ts';
export type { UpkeepState } from './metrics/upkeep.ts';
export { missingTransferAlarm } from './missing-transfers.ts';
export { createOpsServer } from './ops-server.ts';
export { createPostgresHealth } from './postgres-health.ts';
export { prepareDatabases } from './prepare-databases.ts';
export { type Phase, type Readiness, readinessOf } from './readiness.ts';
export { createReplica } from './replica.ts';
export { type Resources, sharedConnections, withResources } from './resources.ts';
export type { Program } from './run.ts';
export { type JobTracer, traceFields } from './tracing.ts';
