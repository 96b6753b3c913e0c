// admin.v1.JobService: background jobs, for operators.
import { JobServiceService } from '../../../gen/ts/admin/v1/job_service.ts';
import type { AuditTrail } from '../../domain/act.ts';
import type { JobEntry } from '../../domain/jobs.ts';
import type { Micros } from '../../domain/time.ts';
import {
  type AdminCore,
  jobState,
  listDeadLetters,
  listJobs,
  pauseJob,
  replayDeadLetters,
  resumeJob,
  runJobNow,
} from '../../usecases/index.ts';
import type { Handlers } from '../handlers.ts';
import { toTimestamp } from '../timestamp.ts';
import { withAudit } from './audit-calls.ts';

/** The handlers of admin.v1.JobService, with every call on the audit trail. */
export const jobService = (core: AdminCore, trail: AuditTrail): Handlers<typeof JobServiceService> =>
  withAudit(JobServiceService, handlers(core), trail, (job) => jobState(core, job));

const handlers = (core: AdminCore): Handlers<typeof JobServiceService> => ({
  async listJobs() {
    const jobs = await listJobs(core);
    return {
      jobs: jobs.map(({ entry, ...job }) => ({
        ...job,
        about: entry.about,
        schedule: scheduleOf(entry),
        pausedAt: moment(job.pausedAt),
        lastStartedAt: moment(job.lastStartedAt),
        lastEndedAt: moment(job.lastEndedAt),
      })),
    };
  },

  async runJob({ job }) {
    await runJobNow(core, job);
    return {};
  },

  async pauseJob({ job }) {
    await pauseJob(core, job);
    return {};
  },

  async resumeJob({ job }) {
    await resumeJob(core, job);
    return {};
  },

  async listDeadLetters({ job }) {
    const letters = await listDeadLetters(core, job);
    return {
      deadLetters: letters.map(({ id, failedAt, ...letter }) => ({
        ...letter,
        deadLetterId: id,
        failedAt: toTimestamp(failedAt),
      })),
    };
  },

  async replayDeadLetters({ deadLetterIds }) {
    return { replayed: await replayDeadLetters(core, deadLetterIds) };
  },
});

const moment = (at: Micros | undefined) => (at === undefined ? undefined : toTimestamp(at));

function scheduleOf({ schedule }: JobEntry): string {
  if (!schedule) return '';
  return 'everyMs' in schedule ? `every ${schedule.everyMs} ms` : schedule.pattern;
}
