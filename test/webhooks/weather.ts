// Faults among the workers that send to webhooks, Redis and the receivers, one after the other, by a seed.
import { setTimeout as sleep } from 'node:timers/promises';
import { forkProgram } from '../../scripts/dev/programs.ts';
import type { Random } from '../../src/domain/random.ts';
import { connectTo } from '../admission/callers.ts';
import type { OwnRedis } from '../redis/own-redis.ts';
import type { TestReceiver } from './deliveries.ts';

const PROGRAM = new URL('delivery-program.ts', import.meta.url);
const WORKERS = 2;
/** How long a fault lasts at most, in milliseconds. */
const MOST_MS = 500;

/** What may fail. */
export interface WeatherTargets {
  /** The database, as workers log in. */
  readonly workerUrl: string;
  /** Undefined where Redis cannot be had. */
  readonly redis: OwnRedis | undefined;
  readonly receivers: readonly TestReceiver[];
}

/** Workers in bad weather. */
export interface Weather {
  /** Resolves when the faults are over: after `ms`, and each kind at least once. */
  readonly faults: Promise<void>;
  stop(): Promise<void>;
}

/** Starts the workers, and then faults: a worker is killed and replaced, Redis or a receiver is away. */
export async function startWeather(
  { workerUrl, redis, receivers }: WeatherTargets,
  random: Random,
  ms: number,
): Promise<Weather> {
  const start = () => forkProgram(PROGRAM, { DATABASE_URL: workerUrl });
  const workers = await Promise.all(Array.from({ length: WORKERS }, start));
  const duration = () => 50 + random.below(MOST_MS);
  const pick = <T>(of: readonly T[]) => of[random.below(of.length)];

  const killWorker = async () => {
    await workers.splice(random.below(WORKERS), 1)[0]?.kill();
    await sleep(duration());
    workers.push(await start());
  };
  const receiverIsAway = async () => {
    const receiver = pick(receivers);
    receiver?.goAway();
    await sleep(duration());
    receiver?.comeBack();
  };
  const faults = [killWorker, receiverIsAway, ...(redis ? redisFaults(redis, duration) : [])];
  const run = async () => {
    const endsAt = performance.now() + ms;
    for (let done = 0; done < faults.length || performance.now() < endsAt; done += 1)
      await (done < faults.length ? faults[done] : pick(faults))?.();
  };
  return {
    faults: run(),
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}

/** It stands still, dies, or forgets everything. */
function redisFaults(redis: OwnRedis, duration: () => number): (() => Promise<void>)[] {
  return [
    async () => {
      redis.freeze();
      await sleep(duration());
      redis.thaw();
    },
    async () => {
      await redis.kill();
      await sleep(duration());
      await redis.restart();
    },
    async () => {
      const connection = await connectTo(redis.url);
      await connection.flushall();
      connection.disconnect();
    },
  ];
}
