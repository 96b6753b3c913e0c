// Tells the queues which jobs run by themselves, and notices by the same entries that Redis has lost what it had.
import { JOB_NAMES, type JobName, jobEntry } from '../../domain/jobs.ts';
import type { Queues } from './queues.ts';

const SCHEDULED = JOB_NAMES.filter((name) => jobEntry(name).schedule !== undefined);
/** The schedule by which the others are known to be there; it is written last. */
const SENTINEL: JobName = 'expire-sprinkles';

/** Writes all schedules. Every worker does it at its start: who comes last writes the same as who came first, and none leads. */
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

/** Whether the schedules are still there. They never go but with everything else. */
export async function hasSchedules(queues: Queues): Promise<boolean> {
  return (await queues[SENTINEL].getJobScheduler(SENTINEL)) !== undefined;
}
