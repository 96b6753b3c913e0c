// Keeps the transparency log of a test's database, step by step, in the place of a worker.
import { sealFeed } from '../../src/db/feed/index.ts';
import type { Pool } from '../../src/db/pool.ts';
import { appendSealed } from '../../src/worker/log/append.ts';
import { signCheckpoint } from '../../src/worker/log/checkpoint.ts';
import { createCheckpointSaver } from '../../src/worker/log/save.ts';
import type { TestDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';

/** A log that does nothing by itself. */
export interface KeptLog {
  seal(): Promise<void>;
  append(): Promise<void>;
  sign(): Promise<void>;
  /** All of them: what is committed by now has a receipt. */
  keep(): Promise<void>;
  /** Saves the last checkpoint in a folder. */
  save(folder: string): Promise<void>;
  stop(): Promise<void>;
}

/** The key-encryption key of tests' servers. */
const SEALING_KEYS = [{ id: 'test', key: Buffer.alloc(32, 7) }] as const;

/** Works as the worker's login; `archive` has the months that are over, if there is one. */
export function keepLog(database: TestDatabase, archive?: Pool): KeptLog {
  const pool = createTestPool(database.workerUrl);
  const seal = async () => {
    await sealFeed(pool);
  };
  const append = async () => {
    while (await appendSealed({ reads: pool, archive }));
  };
  const sign = () => signCheckpoint(pool, { sealingKeys: SEALING_KEYS, name: 'log.test/ppuri', everyMs: 0 });
  return {
    seal,
    append,
    sign,
    keep: async () => {
      await seal();
      await append();
      await sign();
    },
    save: (folder) => createCheckpointSaver(pool, folder)(),
    stop: () => pool.end(),
  };
}
