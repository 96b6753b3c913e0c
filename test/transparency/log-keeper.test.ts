// The log as workers keep it: many of them at once, killed anywhere, make one log; keys are replaced while both sign.
import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { retireLogKey, rotateLogKey } from '../../scripts/cli/log-keys.ts';
import { openKeptFiles } from '../../scripts/verify/kept-files.ts';
import { readEvidence, readLog } from '../../scripts/verify/ledger-log.ts';
import { verifyLog } from '../../scripts/verify/log.ts';
import { lastCheckpoint, listVerifiers, sealedLogKeys } from '../../src/db/transparency/index.ts';
import { open, seal } from '../../src/keys/index.ts';
import { checkpointFile, parseCheckpoint, parseVerifier } from '../../src/transparency/index.ts';
import { appendSealed } from '../../src/worker/log/append.ts';
import { createLogKeeper } from '../../src/worker/log/index.ts';
import { SEALING_KEY } from '../keys.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';
import { type AttackedLog, makeAttackedLog } from './attacked-log.ts';

let log: AttackedLog;
before(async () => {
  log = await makeAttackedLog();
});
after(() => log.stop());

const size = async () => Number((await log.owner.query('SELECT size FROM transparency_log')).rows[0].size);
const keysOf = (texts: readonly string[]) => texts.flatMap((text) => parseVerifier(text) ?? []);

async function verified() {
  const keys = keysOf(await listVerifiers(log.owner));
  const places = { reads: log.owner, archive: undefined };
  return verifyLog(readLog(places), await readEvidence(log.owner, undefined, keys));
}

test('a log whose stored hashes were changed is not signed any more', async () => {
  await log.addTransfers(1);
  await log.log.seal();
  await log.log.append();
  const change = `UPDATE transparency_tiles SET hashes = set_byte(hashes, 5, get_byte(hashes, 5) # 1)
    WHERE level = 0 AND index = 0`;
  await log.asSuperuser(change);
  await assert.rejects(log.log.sign(), /not the one that the checkpoint/);
  await log.asSuperuser(change);
  await log.log.sign();
});

test('workers that append at once, and whose connections are cut, make one log with every transfer once', async () => {
  const [before, added] = [await size(), 5_000];
  await log.addTransfers(added);
  await log.log.seal();
  const workers = Array.from({ length: 3 }, () => createTestPool(log.database.workerUrl));
  let cuts = 0;
  const appending = workers.map(async (pool) => {
    while ((await size()) < before + added)
      await appendSealed({ reads: pool, archive: undefined }).catch(() => cuts++);
  });
  const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename = 'ppuri_worker' AND datname = current_database() AND state LIKE 'idle in transaction%' LIMIT 1`;
  const cutting = (async () => {
    while ((await size()) < before + added) if (cuts < 20) await log.owner.query(cut);
  })();
  await Promise.all([...appending, cutting]);
  await log.log.sign();
  await Promise.all(workers.map((pool) => pool.end()));
  assert.deepEqual(await verified(), { leaves: before + added, checkpoints: 4, fault: undefined });
});

test('while a key is replaced both sign, and afterwards the new one alone', async () => {
  const admin = createTestPool(log.database.adminUrl);
  const [old = ''] = await listVerifiers(log.owner);
  const signed = async () => {
    await log.addTransfers(1);
    await log.log.keep();
    return (await lastCheckpoint(log.owner))?.note ?? '';
  };
  const { publicKey: fresh } = await rotateLogKey(admin, [SEALING_KEY]);
  const both = await signed();
  for (const key of [old, fresh]) assert.equal(typeof parseCheckpoint(both, keysOf([key])), 'object');
  // A private key that was sealed again still signs.
  const sealed = sealedLogKeys(admin);
  for (const { owner, sealed: before } of await sealed.list())
    await sealed.replace(owner, before, seal([SEALING_KEY], owner, open([SEALING_KEY], owner, before)));
  const id = old.split('+')[1] ?? '';
  await retireLogKey(admin, id);
  const alone = await signed();
  assert.equal(parseCheckpoint(alone, keysOf([old])), 'no known key signed the checkpoint');
  assert.equal(typeof parseCheckpoint(alone, keysOf([fresh])), 'object');
  await assert.rejects(retireLogKey(admin, id), /no key/);
  await assert.rejects(retireLogKey(admin, fresh.split('+')[1] ?? ''), /only key/);
  await admin.end();
  // The public keys of both are still published, so every checkpoint can be verified.
  assert.equal((await verified()).fault, undefined);
});

test('a worker does all of it by itself, and goes on after trouble', async () => {
  const pool = createTestPool(log.database.workerUrl);
  const folder = join(log.folder, 'of-a-worker');
  const trouble: string[] = [];
  const settings = {
    keyEncryptionKeys: [SEALING_KEY] as const,
    transparencyLogName: 'not taken: there is a key',
    checkpointDir: folder,
  };
  // The folder cannot be made until the file in its place is gone.
  writeFileSync(folder, '');
  const keeper = createLogKeeper(settings, {
    ...{ pool, archive: undefined, times: { appendMs: 10, checkpointMs: 0 } },
    observer: { trouble: (what) => trouble.push(what) },
  });
  await log.addTransfers(3);
  await log.log.seal();
  await until('it has trouble', () => trouble.includes('saving a checkpoint'));
  rmSync(folder);
  const saved = () => existsSync(join(folder, checkpointFile(sealed)));
  const sealed = Number((await log.owner.query('SELECT leaves FROM feed_end')).rows[0].leaves);
  await until('the checkpoint is saved', saved);
  await keeper[Symbol.asyncDispose]();
  await pool.end();
  const keys = keysOf(await listVerifiers(log.owner));
  const evidence = await readEvidence(log.owner, await openKeptFiles(folder), keys);
  const report = await verifyLog(readLog({ reads: log.owner, archive: undefined }), evidence);
  assert.deepEqual([report.leaves, report.fault], [sealed, undefined]);
});
