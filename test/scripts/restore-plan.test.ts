// A plan refuses a file of WAL that is stored with two contents where the restore reads it, and only there.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { globSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type BackupRecord, backupPrefix, clusterMarker } from '../../scripts/recovery/catalog.ts';
import { parseTarget, planRestore, type Target } from '../../scripts/recovery/restore-plan.ts';
import { seal } from '../../scripts/recovery/sealed-stream.ts';
import { contentOf, openStorage, type Storage, writeJson } from '../../scripts/recovery/storage.ts';
import { walPrefix } from '../../scripts/recovery/wal-archive.ts';

const CLUSTER = '42';
const SEGMENT_BYTES = 16 << 20;
const RECORD: BackupRecord = {
  format: 1,
  label: '20261126T043100Z',
  kind: 'full',
  base: '',
  clusterId: CLUSTER,
  timeline: 1,
  startLsn: '0/1000028',
  endLsn: '0/1000100',
  segmentBytes: SEGMENT_BYTES,
  startedAt: '2026-11-26T04:31:00.000Z',
  endedAt: '2026-11-26T04:31:01.000Z',
  bytes: 1,
  storedBytes: 1,
  files: `${backupPrefix(CLUSTER, '20261126T043100Z')}base.tar.zst`,
  sha256: '',
  isEncrypted: false,
  postgresVersion: '18.1',
  superuser: 'ppuri_owner',
  ledgers: ['ppuri'],
  archives: [],
  keyEncryptionKeys: [],
};

let folder: string;
let storage: Storage;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-plan-'));
  storage = openStorage(folder, {});
  await storage.write(RECORD.files, contentOf(Buffer.alloc(1)));
  await writeJson(storage, `${backupPrefix(CLUSTER, RECORD.label)}backup.json`, RECORD);
  await writeJson(storage, clusterMarker(CLUSTER), { clusterId: CLUSTER });
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function archived(name: string, text: string): Promise<void> {
  const sha256 = hash('sha256', text);
  await storage.write(
    `${walPrefix(CLUSTER)}${name}-${sha256}.zst`,
    await seal(contentOf(Buffer.from(text)), []),
  );
}

const plan = (timeline?: number, to: Target = 'latest') =>
  planRestore({ storage, to, clusterId: '', timeline, identities: [], into: undefined });

test('a storage whose clock is late keeps no moment from being restored', async () => {
  await archived('000000010000000000000001', 'first');
  const to = parseTarget('2026-11-26T04:40:00Z');
  const setTimes = (files: string, iso: string) => {
    const at = new Date(iso);
    for (const file of globSync(files, { cwd: folder })) utimesSync(join(folder, file), at, at);
  };
  // The backup ended at 04:31:01, and its record seems to be from an hour before.
  setTimes('**/backup.json', '2026-11-26T03:31:01Z');
  setTimes('**/*.zst', '2026-11-26T03:31:01Z');
  await assert.rejects(plan(1, to), /is after the end of the archived WAL/);
  setTimes('**/*.zst', '2026-11-26T03:40:00Z');
  assert.equal((await plan(1, to)).segments.length, 1);
});

test('the torn end of the timeline that was left', async () => {
  await archived('000000010000000000000001', 'first');
  await archived('000000010000000000000002', 'torn');
  await archived('000000010000000000000002', 'torn elsewhere');
  await archived('00000002.history', '1\t0/2000100\tno recovery target specified\n');
  await archived('000000020000000000000002', 'second');
  assert.deepEqual(
    (await plan()).segments.map(({ name }) => name),
    ['000000010000000000000001', '000000020000000000000002'],
  );
  await assert.rejects(plan(1), /000000010000000000000002 was archived twice with different content/);
  await archived('00000002.history', '1\t0/2000200\tno recovery target specified\n');
  await assert.rejects(plan(), /00000002.history was archived twice with different content/);
});

test('a day or an hour that is not there is no target', () => {
  for (const text of [
    '2026-02-30T00:00:00Z',
    '2026-11-26T24:00:00Z',
    '2026-11-26T04:31:60Z',
    '2026-11-26T04:31:00+25:00',
  ])
    assert.equal(parseTarget(text), undefined, text);
  // The hour that comes twice when summer time ends: the zone tells which one is meant.
  assert.equal(
    Number(parseTarget('2026-10-25T02:30:00+01:00')) - Number(parseTarget('2026-10-25T02:30:00+02:00')),
    3.6e9,
  );
});
