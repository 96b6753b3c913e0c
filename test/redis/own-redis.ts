// A Redis of a test file's own, which it may stop, kill and empty.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFree } from '../../scripts/dev/ports.ts';
import { startRedis } from '../../scripts/dev/redis.ts';

/** The reason to skip tests that need Redis, or false. */
export const withoutRedis = process.env.TEST_REDIS_URL === '' ? 'Redis cannot be had here' : false;

export interface OwnRedis {
  readonly url: string;
  /** Lets it hang: its connections stay, and nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** Ends it at once. */
  kill(): Promise<void>;
  /** Starts it again where it was, with what it had. */
  restart(): Promise<void>;
  /** Ends it and removes what it had. */
  stop(): Promise<void>;
}

export async function startOwnRedis(): Promise<OwnRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-redis-'));
  const [port = 0] = await findFree(1);
  const start = () => startRedis({ dataDir: folder, logDir: folder, port, log: console.error });
  let redis = await start();
  const own: OwnRedis = {
    url: redis.url,
    freeze: () => process.kill(redis.pid, 'SIGSTOP'),
    thaw: () => process.kill(redis.pid, 'SIGCONT'),
    async kill() {
      redis.kill();
      await redis.ended;
    },
    async restart() {
      redis = await start();
    },
    async stop() {
      await own.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return own;
}
