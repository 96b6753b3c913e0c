// Jobs that do nothing, for workers of tests that do one of them only.
import { JOB_NAMES } from '../../src/domain/jobs.ts';
import type { Job, Jobs } from '../../src/worker/job.ts';

const nothing: Job = { run: async () => ({}) };

/** Every job of the table, without work. */
export const NO_JOBS = Object.fromEntries(JOB_NAMES.map((name) => [name, nothing])) as Jobs;
