// Saved checkpoints are copied to a storage once, with their leaves before them, and never overwritten there.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openStorage } from '../../scripts/recovery/storage.ts';
import { storeCheckpoints } from '../../scripts/recovery/store-checkpoints.ts';
import { checkpointFile, leavesFile } from '../../src/transparency/index.ts';

const root = mkdtempSync(join(tmpdir(), 'ppuri-checkpoints-'));
after(() => rmSync(root, { recursive: true }));

test('what is saved is stored once, in order, and what is stored stays', async () => {
  const [folder, stored] = [root, join(root, 'storage')];
  const storage = openStorage(stored, {});
  for (const size of [9, 10]) {
    writeFileSync(join(folder, checkpointFile(size)), `note ${size}`);
    writeFileSync(join(folder, leavesFile(size)), `leaves ${size}`);
  }
  writeFileSync(join(folder, 'checkpoint-1.part'), 'a draft');
  assert.deepEqual(await storeCheckpoints(folder, storage), [
    leavesFile(9),
    checkpointFile(9),
    leavesFile(10),
    checkpointFile(10),
  ]);
  writeFileSync(join(folder, checkpointFile(9)), 'another note');
  writeFileSync(join(folder, checkpointFile(11)), 'note 11');
  assert.deepEqual(await storeCheckpoints(folder, storage), [checkpointFile(11)]);
  const kept = readFileSync(join(stored, 'transparency-log', checkpointFile(9)), 'utf8');
  assert.equal(kept, 'note 9');
  await assert.rejects(storeCheckpoints(join(root, 'none'), storage), /cannot read .*none: ENOENT/);
});
