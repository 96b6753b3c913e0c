// Faults at random moments, from a seed, so that a run that failed can be run again.
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { seededRandom } from '../domain/seeded-random.ts';
import { startWorkerProcess, type WorkerProcess } from '../processes.ts';
import type { OwnRedis } from '../redis/own-redis.ts';

/** What may go wrong. */
export const FAULTS = ['kill a worker', 'empty Redis', 'kill Redis', 'freeze Redis'] as const;

export type Fault = (typeof FAULTS)[number];

/** Workers that are killed and come back, over a Redis that forgets, dies and hangs. */
export interface Chaos {
  /** What to write beside a failure. */
  readonly seed: number;
  /** Makes so many faults, of all kinds or of these, with pauses of up to so long between them. */
  strike(times: number, pauseMs: number, kinds?: readonly Fault[]): Promise<void>;
  stop(): Promise<void>;
}

/** Starts workers to be struck. The seed is CHAOS_SEED where that is set. */
export async function startChaos(
  redis: OwnRedis,
  env: Record<string, string>,
  program?: URL,
  workers = 2,
): Promise<Chaos> {
  const seed = Number(process.env.CHAOS_SEED ?? randomInt(2 ** 31));
  const random = seededRandom(seed);
  const start = () => startWorkerProcess(env, program);
  const running: WorkerProcess[] = await Promise.all(Array.from({ length: workers }, start));
  const killOne = async () => {
    const victim = random.below(running.length);
    await running[victim]?.kill();
    running[victim] = await start();
  };
  const strikes: Record<Fault, () => Promise<unknown>> = {
    'kill a worker': killOne,
    'empty Redis': async () => {
      const client = new Redis(redis.url);
      await client.flushall().finally(() => client.disconnect());
    },
    'kill Redis': async () => {
      await redis.kill();
      await sleep(random.below(500));
      await redis.restart();
    },
    'freeze Redis': async () => {
      redis.freeze();
      await sleep(random.below(500));
      redis.thaw();
    },
  };
  return {
    seed,
    async strike(times, pauseMs, kinds = FAULTS) {
      // Each fault once at least, in any order, then any.
      const first = [...kinds].sort(() => random.below(3) - 1);
      for (let i = 0; i < times; i++) {
        await sleep(random.below(pauseMs));
        const fault = first[i] ?? kinds[random.below(kinds.length)] ?? 'kill a worker';
        await strikes[fault]();
      }
    },
    stop: async () => {
      await Promise.all(running.map((worker) => worker.stop()));
    },
  };
}
