// Storages of backups under conditions that are rare: thousands of backups, WAL under another name, and S3 connections that break.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { backupPrefix, listBackups } from '../../scripts/recovery/catalog.ts';
import { contentOf, openStorage, type Storage } from '../../scripts/recovery/storage.ts';
import { archiveWal, fetchWal, listWal, requireOwn } from '../../scripts/recovery/wal-archive.ts';
import { makeWal } from '../ops/recovery/wal-file.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-backup-storage-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('of thousands of backups few are read at once', async () => {
  const labels = Array.from({ length: 2_000 }, (_, index) => String(index).padStart(6, '0'));
  let [reading, most] = [0, 0];
  const storage = {
    url: 'of a test',
    list: async () =>
      labels.map((label) => ({ key: `${backupPrefix('42', label)}backup.json`, bytes: 1, storedAt: 0 })),
    read: async () => {
      most = Math.max(most, ++reading);
      await new Promise(setImmediate);
      reading -= 1;
      return contentOf(Buffer.from(JSON.stringify({ format: 1, sha256: '', ledgers: [] })));
    },
  } as unknown as Storage;
  const backups = await listBackups(storage, '42');
  assert.deepEqual(
    backups.map(({ label }) => label),
    labels,
  );
  assert.ok(most <= 16, `${most} were read at once`);
});

test('a segment under the name of another one is not taken for the end of the WAL', async () => {
  const storage = openStorage(join(folder, 'swapped'), {});
  const data = join(folder, 'data');
  const path = makeWal(data, '000000010000000000000001', 42n, 'first');
  await archiveWal(storage, data, path, []);
  const [wal] = await listWal(storage, '42');
  assert.ok(wal);
  await fetchWal(storage, wal, folder, []);
  const own = { clusterId: '42', segmentBytes: 16 << 20 };
  await requireOwn(folder, wal, own);
  const renamed = { ...wal, name: '000000010000000000000005' };
  await fetchWal(storage, renamed, folder, []);
  await assert.rejects(
    requireOwn(folder, renamed, own),
    /holds the WAL of 000000010000000000000001, not of its name/,
  );
});

const OBJECT = Buffer.alloc(3 << 20, 'ppuri');

/** S3 of one object, of which every connection breaks after a megabyte. */
function breaking(request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const rest = OBJECT.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, { etag: '"one"', 'content-length': rest.length });
  if (from > 0) assert.equal(request.headers['if-match'], '"one"');
  response.write(rest.subarray(0, 1 << 20), () => {
    if (rest.length > 1 << 20) response.destroy();
    else response.end();
  });
}

test('an object whose connection breaks is read on from there', async () => {
  const server = createServer(breaking).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const env = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
    const storage = openStorage(`s3://bucket/prefix?endpoint=http://127.0.0.1:${port}`, env);
    const pieces: Uint8Array[] = [];
    for await (const piece of await storage.read('a')) pieces.push(piece);
    assert.ok(Buffer.concat(pieces).equals(OBJECT), 'the object is another one');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
