// Times of queues in tests: what a worker that died or a Redis that forgot leaves behind is found within seconds.
import type { JobTimes } from '../../src/worker/queue/job-runner.ts';
import type { RecoveryTimes } from '../../src/worker/recovery/index.ts';

/** Long enough that a worker on a busy machine renews its locks in time. */
export const SHORT_TIMES: JobTimes = { retryMs: 20, lockMs: 4_000, overdueMs: 5_000 };

/** A run of a worker that died is abandoned within seconds; a live one keeps it twelve times within its lease. */
export const SHORT_RECOVERY_TIMES: RecoveryTimes = { pollMs: 50, leaseMs: 4_000, mostMs: 10 * 60_000 };
