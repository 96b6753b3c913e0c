// docs/runbooks/key-stolen.md works as it is written, for the private key of backups.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { commandsOf, runLine } from '../../page-steps.ts';
import { openBank } from './bank.ts';
import { startRecoveryCluster } from './recovery-cluster.ts';

const PAGE = 'docs/runbooks/key-stolen.md';

test('a stolen private key of backups opens nothing that is left', { timeout: 240_000 }, async () => {
  await using cluster = await startRecoveryCluster();
  await using bank = await openBank(cluster.postgres);
  const { folder } = cluster;
  const env = { BACKUP_URL: cluster.url, BACKUP_DATABASE_URL: cluster.postgres.ownerUrl };
  const run = (line: string) => runLine(line, {}, { cwd: folder, env });
  const plan = (to: string, identity: string) =>
    cluster.run('restore', ['--to', to, '--identity', join(folder, identity)]);

  await bank.payMany(10);
  await cluster.must('backup', []);
  await bank.payMany(10);
  const before = await cluster.now();
  await bank.payMany(10);
  await cluster.archived();

  const lines = commandsOf(PAGE, 'The private key of backups');
  const [draw, full, check, both, remove, ...rest] = lines;
  assert.deepEqual(rest, []);
  // age-keygen is a program of age, which need not be here.
  assert.equal(draw, 'age-keygen -o identity-2.txt');
  const fresh = await generateIdentity();
  writeFileSync(join(folder, 'identity-2.txt'), `${fresh}\n`, { mode: 0o600 });
  const recipient = await identityToRecipient(fresh);
  const settings = readFileSync(join(folder, 'backup.env'), 'utf8');
  writeFileSync(
    join(folder, 'backup.env'),
    settings.replace(/^BACKUP_RECIPIENTS=.*$/m, `BACKUP_RECIPIENTS="${recipient}"`),
  );
  await run(full ?? '');
  await bank.payMany(10);
  await cluster.archived();
  assert.match(await run(check ?? ''), /Restore of cluster \d+/);
  await run(both ?? '');
  const earlier = await plan(before, 'identities.txt');
  assert.equal(earlier.code, 0, earlier.stderr);
  assert.equal((await plan(before, 'identity.txt')).code, 0, 'the stolen key opens what is older');
  assert.notEqual((await plan('latest', 'identity.txt')).code, 0, 'it opens nothing that is newer');

  await run(remove ?? '');
  const listed = JSON.parse(await cluster.must('backup', ['--list', '--json'])) as object[];
  assert.equal(listed.length, 1);
  await bank.payMany(10);
  await cluster.archived();
  for (const to of [before, 'latest']) assert.notEqual((await plan(to, 'identity.txt')).code, 0);
  assert.equal((await plan('latest', 'identity-2.txt')).code, 0);
});
