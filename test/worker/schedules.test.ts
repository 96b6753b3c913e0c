// Schedules in Redis are those of the release that runs, whatever an older one left there.
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { JOB_NAMES, jobEntry } from '../../src/domain/jobs.ts';
import { closeQueues } from '../../src/worker/queue/queues.ts';
import { startWorkerProcess, workerEnv } from '../processes.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase } from '../stack.ts';
import { until } from '../until.ts';
import { openQueues } from './open-queues.ts';

const DAY_MS = 86_400_000;

test('a worker that starts replaces the schedules of an older release, and adds those that it did not have', {
  skip: withoutRedis,
}, async () => {
  const [database, redis] = [await makeDatabase(), await startOwnRedis()];
  const queues = await openQueues(redis);
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
  await queues['expire-sprinkles'].upsertJobScheduler('expire-sprinkles', { every: DAY_MS });
  await queues['purge-keys'].upsertJobScheduler('purge-keys', { pattern: '0 0 0 1 1 *' });
  const worker = await startWorkerProcess(workerEnv(database, redis.url));
  try {
    await until('they are replaced', async () => isDeepStrictEqual(await found(), wanted));
  } finally {
    await worker.stop();
    await closeQueues(queues);
    await redis.stop();
    await database.drop();
  }
});
