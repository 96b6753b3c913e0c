// Storages of backups, a folder and an S3 server: objects are stored as a whole or not at all, and each fault is named.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type S3, startS3 } from '../../../scripts/ops/parts/s3.ts';
import { signS3 } from '../../../scripts/recovery/s3-signature.ts';
import { createBucket } from '../../../scripts/recovery/s3-storage.ts';
import { type Content, openStorage, readText, type Storage } from '../../../scripts/recovery/storage.ts';
import { archiveWal, listWal } from '../../../scripts/recovery/wal-archive.ts';
import { checkpointFile, leavesFile } from '../../../src/transparency/index.ts';
import { runScript } from './recovery-cluster.ts';
import { makeWal } from './wal-file.ts';

let folder: string;
let s3: S3;
const storages: Storage[] = [];
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-storage-'));
  s3 = await startS3({ folder });
  await createBucket(s3.bucketUrl, s3.env);
  storages.push(openStorage(join(folder, 'files'), {}), openStorage(s3.bucketUrl, s3.env));
});
after(async () => {
  await s3?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const MEGABYTE = 1 << 20;

async function* content(megabytes: number, failAfter = Number.POSITIVE_INFINITY): Content {
  for (let index = 0; index < megabytes; index++) {
    if (index === failAfter) throw new Error('the source broke');
    yield Buffer.alloc(MEGABYTE, index);
  }
}

async function read(storage: Storage, key: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of await storage.read(key)) pieces.push(piece);
  return Buffer.concat(pieces);
}

test('an object of many parts comes back as it was, and one that breaks off is not there', async () => {
  for (const storage of storages) {
    await storage.write('a/large object+(1)', content(20));
    const back = await read(storage, 'a/large object+(1)');
    assert.equal(back.length, 20 * MEGABYTE, storage.url);
    assert.ok(back.subarray(19 * MEGABYTE).every((byte) => byte === 19));
    await storage.write('a/empty', content(0));
    await assert.rejects(storage.write('a/broken', content(20, 17)), /the source broke/);
    assert.deepEqual(
      (await storage.list('a/')).map(({ key, bytes }) => [key, bytes]),
      [
        ['a/empty', 0],
        ['a/large object+(1)', 20 * MEGABYTE],
      ],
      storage.url,
    );
    await storage.remove(['a/empty', 'a/large object+(1)', 'a/never there']);
    assert.deepEqual(await storage.list('a/'), []);
    await assert.rejects(read(storage, 'a/empty'), /a\/empty/);
  }
});

test('a file of WAL is stored once, the same again is success, and another one in its place is refused', async () => {
  for (const [index, storage] of storages.entries()) {
    const data = join(folder, `data-${index}`);
    const first = makeWal(data, '000000010000000000000001', 42n, 'first');
    assert.equal(await archiveWal(storage, data, first, []), true);
    assert.equal(await archiveWal(storage, data, first, []), false);
    makeWal(data, '000000010000000000000001', 42n, 'second');
    await assert.rejects(
      archiveWal(storage, data, first, []),
      /has another 000000010000000000000001.*not overwritten/,
    );
    assert.equal((await listWal(storage, '42')).length, 1);
  }
});

test('a storage says what it was refused', async () => {
  const wrong = { ...s3.env, AWS_SECRET_ACCESS_KEY: 'wrong' };
  await assert.rejects(
    openStorage(s3.bucketUrl, wrong).list(''),
    /s3:\/\/ppuri\/backups: cannot GET .*SignatureDoesNotMatch/,
  );
  const elsewhere = s3.bucketUrl.replace('ppuri', 'nowhere');
  await assert.rejects(openStorage(elsewhere, s3.env).list(''), /NoSuchBucket/);
  assert.throws(() => openStorage('ftp://x', {}), /not "ftp:\/\/x"/);
  assert.throws(() => openStorage(s3.bucketUrl, {}), /AWS_ACCESS_KEY_ID/);
});

/** A request of S3 that no command of ours makes. */
async function ask(
  method: string,
  path: string,
  { body = '', amzHeaders = {} }: { body?: string; amzHeaders?: Record<string, string> } = {},
): Promise<{ status: number; text: string }> {
  const endpoint = new URL(s3.bucketUrl).searchParams.get('endpoint') ?? '';
  const request = { method, url: new URL(`${endpoint}${path}`), body: Buffer.from(body), amzHeaders };
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = s3.env;
  const signed = signS3(request, { accessKeyId, secretAccessKey, sessionToken: '' }, 'us-east-1', new Date());
  const answer = await fetch(request.url, { method, headers: signed, body: body === '' ? null : body });
  return { status: answer.status, text: await answer.text() };
}

/** A bucket that keeps every version of every object for a day. */
async function createLockedBucket(name: string): Promise<string> {
  const amzHeaders = { 'x-amz-bucket-object-lock-enabled': 'true' };
  const made = await ask('PUT', `/${name}`, { amzHeaders });
  assert.equal(made.status, 200, made.text);
  const rule = '<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule>';
  const body = `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`;
  const set = await ask('PUT', `/${name}?object-lock=`, { body });
  assert.equal(set.status, 200, set.text);
  return s3.bucketUrl.replace('ppuri', name);
}

test('npm run checkpoints stores each checkpoint once, and what an object lock keeps nobody removes', async () => {
  const saved = join(folder, 'checkpoints');
  mkdirSync(saved);
  const save = (size: number, text: string) => {
    for (const name of [leavesFile(size), checkpointFile(size)])
      writeFileSync(join(saved, name), `${name} ${text}`);
  };
  save(8, 'as it was');
  writeFileSync(join(saved, '.leaves-of-a-worker-that-died'), '');
  const urls = [s3.bucketUrl, await createLockedBucket('locked')];
  const copy = async (url: string) => {
    const env = { ...s3.env, BACKUP_URL: url, CHECKPOINT_DIR: saved };
    const { code, stdout, stderr } = await runScript('checkpoints', ['--once'], env);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  for (const url of urls) assert.match(await copy(url), new RegExp(`2 files, up to ${checkpointFile(8)}`));
  save(8, 'changed');
  save(17, 'later');
  for (const url of urls) {
    assert.match(await copy(url), new RegExp(`2 files, up to ${checkpointFile(17)}`));
    const storage = openStorage(url, s3.env);
    const names = [8, 17].flatMap((size) => [checkpointFile(size), leavesFile(size)]).sort();
    assert.deepEqual(
      (await storage.list('transparency-log/')).map(({ key }) => key),
      names.map((name) => `transparency-log/${name}`),
    );
    assert.equal(
      await readText(storage, `transparency-log/${checkpointFile(8)}`),
      `${checkpointFile(8)} as it was`,
    );
  }
  const key = `backups/transparency-log/${checkpointFile(8)}`;
  const versions = (await ask('GET', `/locked?versions=&prefix=${encodeURIComponent(key)}`)).text;
  const version = /<VersionId>([^<]+)<\/VersionId>/.exec(versions)?.[1] ?? '';
  const removed = await ask('DELETE', `/locked/${key}?versionId=${version}`);
  assert.equal(removed.status, 403, removed.text);
});
