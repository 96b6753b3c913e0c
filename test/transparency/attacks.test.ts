// What a superuser does to transfers and to the log, with all triggers off, is found by `npm run verify`, which names the first bad leaf.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openKeptFiles } from '../../scripts/verify/kept-files.ts';
import { readEvidence, readLog } from '../../scripts/verify/ledger-log.ts';
import { type LogReport, leafHashOf, verifyLog } from '../../scripts/verify/log.ts';
import type { Reader } from '../../src/db/pool.ts';
import { listVerifiers } from '../../src/db/transparency/index.ts';
import { checkpointFile, parseVerifier } from '../../src/transparency/index.ts';
import { ATTACKS, type Attack, type AttackedLog, makeAttackedLog, SIZES, storeHash } from './attacked-log.ts';

let log: AttackedLog;
before(async () => {
  log = await makeAttackedLog();
});
after(() => log.stop());

async function verify(reads: Reader, folder?: string): Promise<LogReport> {
  const keys = (await listVerifiers(reads)).flatMap((text) => parseVerifier(text) ?? []);
  const files = folder === undefined ? undefined : await openKeptFiles(folder);
  const places = { reads, archive: undefined };
  return verifyLog(readLog(places), await readEvidence(reads, files, keys));
}

test('a log that nobody touched is valid, with every leaf and every checkpoint', async () => {
  const report = await verify(log.owner, log.folder);
  // Checkpoints of the database and of the files are the same notes.
  assert.deepEqual(report, { leaves: SIZES[1], checkpoints: 2, fault: undefined });
});

for (const attack of ATTACKS) {
  test(`where ${attack.name}, leaf ${attack.leaf} is the first bad one`, async () => {
    const [withFiles, alone] = await log.attacked(attack, async (client) => [
      await verify(client, log.folder),
      await verify(client),
    ]);
    assert.equal(withFiles?.fault?.leaf, attack.leaf, String(withFiles?.fault?.reason));
    assert.equal(alone?.fault?.leaf, attack.withoutFiles, String(alone?.fault?.reason));
  });
}

test('where a transfer and its leaf are changed alike, checkpoints tell, and saved leaves tell which it is', async () => {
  const attack: Attack = {
    name: 'an amount is changed, and the log with it',
    statements: (ids) => [`UPDATE transfers SET amount = amount + 1 WHERE id = '${ids[9]}'`],
    ...{ leaf: 9, withoutFiles: 8 },
  };
  const [withFiles, alone] = await log.attacked(attack, async (client) => {
    for await (const entries of readLog({ reads: client, archive: undefined })) {
      const changed = entries[9] && leafHashOf(entries[9]);
      await client.query(storeHash(9, changed ?? assert.fail()));
    }
    return [await verify(client, log.folder), await verify(client)];
  });
  assert.equal(withFiles?.fault?.leaf, attack.leaf, String(withFiles?.fault?.reason));
  assert.equal(alone?.fault?.leaf, attack.withoutFiles, String(alone?.fault?.reason));
  assert.match(String(alone?.fault?.reason), /checkpoint of 14 leaves has another root; that of 8 is right/);
});

test('a saved checkpoint that nobody signed is refused', async () => {
  writeFileSync(join(log.folder, checkpointFile(9)), 'log.test/ppuri\n9\nAAAA\n\n— log.test/ppuri AAAA\n');
  await assert.rejects(verify(log.owner, log.folder), /checkpoint/);
});
