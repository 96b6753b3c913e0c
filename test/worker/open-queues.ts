// The queues of all jobs, as those who put work into them see them.
import type { RedisAddress } from '../../src/redis/index.ts';
import { createQueues, type Queues } from '../../src/worker/queue/queues.ts';
import { until } from '../until.ts';

/** Opens them, and waits until each is connected: before, their commands fail, and so does closing them. */
export async function openQueues(redis: RedisAddress): Promise<Queues> {
  const queues = createQueues(redis, 1_000, () => {});
  for (const queue of Object.values(queues)) {
    const isConnected = () =>
      queue.isPaused().then(
        () => true,
        () => false,
      );
    await until(`the queue of ${queue.name} is connected`, isConnected);
  }
  return queues;
}
