// The queue of jobs, the only place that knows BullMQ: a relay brings rows of the outbox into Redis (relay.ts), workers run
// them (run-job.ts), schedules start what runs by itself (schedule.ts), and a board shows all of it (board.ts). Postgres
// knows what there is to do; Redis only wakes workers, and may lose everything. Other folders import this file only.

export { board } from './board.ts';
export { createJobRunner, JOB_TIMES, type JobTimes } from './job-runner.ts';
