// When a scheduled job runs next.
import type { JobEntry } from './jobs.ts';
import { MICROS_PER_MS, type Micros } from './time.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * The first moment after another at which a schedule is due, in UTC; undefined for jobs without a schedule. Patterns are those
 * of the table of jobs: second and minute are numbers, hour is a number or `*`, and the rest is `*`.
 */
export function nextRunAfter(schedule: JobEntry['schedule'], after: Micros): Micros | undefined {
  if (!schedule) return undefined;
  const ms = Math.floor(after / MICROS_PER_MS);
  if ('everyMs' in schedule) {
    return (Math.floor(ms / schedule.everyMs) + 1) * schedule.everyMs * MICROS_PER_MS;
  }
  const form = /^(\d{1,2}) (\d{1,2}) (\d{1,2}|\*) \* \* \*$/.exec(schedule.pattern);
  if (!form) return undefined;
  const [, second, minute, hour] = form;
  const period = hour === '*' ? HOUR_MS : DAY_MS;
  const offset =
    Number(second) * SECOND_MS + Number(minute) * MINUTE_MS + (hour === '*' ? 0 : Number(hour) * HOUR_MS);
  return ((Math.floor((ms - offset) / period) + 1) * period + offset) * MICROS_PER_MS;
}
