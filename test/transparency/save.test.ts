// Checkpoints in a folder: several workers may save there, and none takes a log for the one that the folder knows when it is not.
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Pool } from '../../src/db/pool.ts';
import { checkpointFile, leavesFile } from '../../src/transparency/index.ts';
import { createCheckpointSaver } from '../../src/worker/log/save.ts';
import { createTestPool } from '../test-pool.ts';
import { ATTACKS, type AttackedLog, makeAttackedLog, SIZES } from './attacked-log.ts';

let log: AttackedLog;
let worker: Pool;
before(async () => {
  log = await makeAttackedLog();
  worker = createTestPool(log.database.workerUrl);
});
after(async () => {
  await worker.end();
  await log.stop();
});

test('workers that share a folder save each checkpoint once', async () => {
  const [one, other] = [createCheckpointSaver(worker, log.folder), createCheckpointSaver(worker, log.folder)];
  await Promise.all([one(), other()]);
  await log.addTransfers(3);
  await log.log.keep();
  await Promise.all([one(), other()]);
  const sizes = [...SIZES, SIZES[1] + 3];
  const files = sizes.flatMap((size) => [checkpointFile(size), leavesFile(size)]);
  assert.deepEqual(readdirSync(log.folder).sort(), files.sort());
});

test('a log that went back is not saved where it was longer', async () => {
  const attack = ATTACKS.find(({ name }) => name === 'an old backup is restored');
  assert.ok(attack);
  await log.attacked(attack, async (client) => {
    await assert.rejects(
      createCheckpointSaver(client, log.folder)(),
      /has a checkpoint of 17 leaves, and the log one of 8/,
    );
  });
});

test('another log is not saved where a checkpoint of its size is', async () => {
  await log.addTransfers(1);
  await log.log.keep();
  writeFileSync(join(log.folder, checkpointFile(SIZES[1] + 4)), 'another one');
  await assert.rejects(createCheckpointSaver(worker, log.folder)(), /another checkpoint of 18 leaves/);
});
