// Schedules in Redis are those of the release that runs, whatever an older one left there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { JOB_NAMES, jobEntry } from '../../src/domain/jobs.ts';
import { closeQueues, createQueues } from '../../src/worker/queue/queues.ts';
import { hasSchedules } from '../../src/worker/queue/schedule.ts';
import { startWorkerProcess, workerEnv } from '../processes.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase } from '../stack.ts';

const DAY_MS = 86_400_000;
const MANY_LOOKS = 400;

test('a worker that starts replaces the schedules of an older release, and adds those that it did not have', {
  skip: withoutRedis,
}, async () => {
  const [database, redis] = [await makeDatabase(), await startOwnRedis()];
  const queues = createQueues(redis.url, 1_000, () => {});
  const scheduled = JOB_NAMES.filter((name) => jobEntry(name).schedule);
  const found = async () =>
    Object.fromEntries(
      await Promise.all(
        scheduled.map(async (name) => {
          const { every, pattern } = (await queues[name].getJobScheduler(name)) ?? {};
          return [name, pattern ? { pattern } : { everyMs: every }];
        }),
      ),
    );
  const wanted = Object.fromEntries(scheduled.map((name) => [name, { ...jobEntry(name).schedule }]));
  for (let looks = 0; looks < MANY_LOOKS && !(await hasSchedules(queues).catch(() => false)); looks++) {
    await queues['expire-sprinkles']
      .upsertJobScheduler('expire-sprinkles', { every: DAY_MS })
      .catch(() => sleep(20));
  }
  await queues['purge-keys'].upsertJobScheduler('purge-keys', { pattern: '0 0 0 1 1 *' });
  const worker = await startWorkerProcess(workerEnv(database, redis.url));
  try {
    for (
      let looks = 0;
      looks < MANY_LOOKS && JSON.stringify(await found()) !== JSON.stringify(wanted);
      looks++
    )
      await sleep(50);
    assert.deepEqual(await found(), wanted);
  } finally {
    await worker.stop();
    await closeQueues(queues);
    await redis.stop();
    await database.drop();
  }
});
