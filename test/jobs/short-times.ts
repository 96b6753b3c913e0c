// Times of queues in tests: what a worker that died or a Redis that forgot leaves behind is found within seconds.
import type { JobTimes } from '../../src/worker/queue/job-runner.ts';

/** Long enough that a worker on a busy machine renews its locks in time. */
export const SHORT_TIMES: JobTimes = { retryMs: 20, lockMs: 4_000, overdueMs: 5_000 };
