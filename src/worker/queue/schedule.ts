// Writes the schedules of jobs into Redis, and finds out by them whether Redis has lost its data.
import { JOB_NAMES, type JobName, jobEntry } from '../../domain/jobs.ts';
import type { Queues } from './queues.ts';

const SCHEDULED = JOB_NAMES.filter((name) => jobEntry(name).schedule !== undefined);
/** Written last: if it is there, so are the others. */
const SENTINEL: JobName = 'expire-sprinkles';

/** Writes all schedules. Every worker does so when it starts; all of them write the same, so none has to lead. */
export async function writeSchedules(queues: Queues): Promise<void> {
  const others = SCHEDULED.filter((name) => name !== SENTINEL);
  await Promise.all(others.map((name) => writeSchedule(queues, name)));
  await writeSchedule(queues, SENTINEL);
}

async function writeSchedule(queues: Queues, name: JobName): Promise<void> {
  const { schedule } = jobEntry(name);
  if (!schedule) return;
  const repeat = 'everyMs' in schedule ? { every: schedule.everyMs } : { ...schedule, tz: 'UTC' };
  await queues[name].upsertJobScheduler(name, repeat, { name, data: { data: {} } });
}

/** Whether the schedules are still there. Redis loses them only together with everything else. */
export async function hasSchedules(queues: Queues): Promise<boolean> {
  return (await queues[SENTINEL].getJobScheduler(SENTINEL)) !== undefined;
}
