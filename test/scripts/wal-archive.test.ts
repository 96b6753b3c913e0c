// A file of WAL that is said to be archived survives a power cut, also where an earlier attempt was interrupted.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, mock, test } from 'node:test';
import { openStorage, type Storage } from '../../scripts/recovery/storage.ts';
import { archiveWal } from '../../scripts/recovery/wal-archive.ts';
import { makeWal } from '../ops/recovery/wal-file.ts';

const NAME = '000000010000000000000001';

let folder: string;
let data: string;
let path: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-wal-archive-'));
  data = join(folder, 'data');
  path = makeWal(data, NAME, 42n, 'text');
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** The inodes that are synced while work runs. */
async function syncedBy(work: () => Promise<unknown>): Promise<Set<number>> {
  const handle = await open(folder);
  const prototype: FileHandle = Object.getPrototypeOf(handle);
  await handle.close();
  const synced = new Set<number>();
  const spy = mock.method(prototype, 'sync', async function (this: FileHandle) {
    synced.add((await this.stat()).ino);
  });
  await work().finally(() => spy.mock.restore());
  return synced;
}

test('each folder that is made is synced in the one above it', async () => {
  const root = join(folder, 'new', 'files');
  const synced = await syncedBy(() => archiveWal(openStorage(root, {}), data, path, []));
  for (const at of [folder, join(folder, 'new'), root, join(root, '42'), join(root, '42', 'wal')])
    assert.ok(synced.has(statSync(at).ino), `${at} is not synced`);
});

test('a file that was stored, and whose folder was not synced any more, is synced at the next attempt', async () => {
  const root = join(folder, 'interrupted');
  const storage = openStorage(root, {});
  const interrupted: Storage = {
    ...storage,
    write: async (key, content) => {
      await storage.write(key, content);
      throw new Error('killed before the folder was synced');
    },
  };
  await assert.rejects(archiveWal(interrupted, data, path, []), /killed before/);
  const synced = await syncedBy(async () =>
    assert.equal(await archiveWal(storage, data, path, []), false, 'it is stored again'),
  );
  assert.ok(synced.has(statSync(join(root, '42', 'wal')).ino), 'success without a sync');
});

test('another end of a timeline that a failover left stops no node, another segment within a timeline does', async () => {
  const storage = openStorage(join(folder, 'failover'), {});
  const promoted = join(folder, 'promoted');
  const next = '000000010000000000000002';
  const makeSegment = (dataFolder: string, name: string) => {
    const path = makeWal(dataFolder, name, 42n, `in ${dataFolder}`);
    truncateSync(join(dataFolder, path), 16 << 20);
    return path;
  };
  for (const name of [NAME, next]) {
    await archiveWal(storage, data, makeSegment(data, name), []);
    makeSegment(promoted, name);
  }
  const archive = (name: string) => archiveWal(storage, promoted, join('pg_wal', name), []);
  await assert.rejects(archive(next), /it is not overwritten/, 'before it knows of a failover');
  // The timeline 2 begins in the second segment.
  writeFileSync(join(promoted, 'pg_wal', '00000002.history'), '1\t0/2000130\tno recovery target specified\n');
  assert.equal(await archive(next), false);
  await assert.rejects(archive(NAME), /it is not overwritten/, 'a segment that restores read');
});
