// Backups in a folder: taken, listed, and restored to moments in between.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Bank, openBank } from './bank.ts';
import { type RecoveryCluster, startRecoveryCluster } from './recovery-cluster.ts';
import { openRestored } from './restored.ts';

let cluster: RecoveryCluster;
let bank: Bank;
before(async () => {
  cluster = await startRecoveryCluster();
  bank = await openBank(cluster.postgres);
});
after(async () => {
  await bank?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

const transfersOf = async () =>
  (await cluster.query<{ id: string }>('SELECT id FROM transfers ORDER BY id')).map(({ id }) => id);

test('a wrong UPDATE and a DROP TABLE are undone by a restore to the moment before', async () => {
  await bank.payMany(50);
  await cluster.must('backup', []);
  await bank.payMany(50);
  await cluster.must('backup', []);
  await bank.payMany(50);
  await cluster.query(
    `INSERT INTO outbox (job, data, run_at, relayed_at) VALUES ('run-payout', '{}', now(), now())`,
  );
  const [job] = await cluster.query('SELECT queue_id FROM outbox');
  await cluster.query(`INSERT INTO api_keys (id, display_name, kind, public_key, scopes, active_from)
    VALUES ('stolen', 'stolen', 'ed25519', 'x', '{read}', now())`);
  const [feed] = await cluster.query<{ epoch: string }>('SELECT epoch FROM feed_state');
  const balances = await cluster.query('SELECT id, balance, version FROM accounts ORDER BY id');
  const kept = await transfersOf();
  const moment = await cluster.now();
  const undone = [await bank.pay(7001, 7002), await bank.pay(7002, 7003)];
  await cluster.query(`UPDATE api_keys SET revoked_at = now() WHERE id = 'stolen'`);
  await cluster.query(
    `UPDATE accounts SET balance = 0, version = version + 1 WHERE owner_user_id IS NOT NULL`,
  );
  await cluster.query('DROP TABLE transfers CASCADE');
  await cluster.archived();

  const plan = await cluster.run('restore', ['--to', moment]);
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stderr, /\(incremental\), ended .*\n {2}WAL .* segments needed/);
  const into = join(cluster.folder, 'restored');
  const log = join(cluster.folder, 'transactions.log');
  // The WAL knows the first, the ledger kept the second, and the third is of a commit whose WAL is lost.
  const logged = [undone[0] ?? '', kept.at(-1) ?? '', crypto.randomUUID()];
  writeFileSync(log, logged.map(lineOf).join(''));
  const args = ['--to', moment, '--into', into, '--transactions', log, '--json'];
  const report = JSON.parse(await cluster.must('restore', args));
  type Known = { transferId: string; knownFrom: string };
  const known = (from: string) =>
    report.undone.transfers.flatMap(({ transferId, knownFrom }: Known) =>
      knownFrom === from ? [transferId] : [],
    );
  assert.deepEqual(known('log'), logged.slice(2));
  assert.deepEqual(known('wal').sort(), undone.sort());
  assert.match(report.undone.limits, /the table of transfers was dropped/);
  assert.deepEqual(report.ledgers, [{ database: 'ppuri', transfers: kept.length, faults: [] }]);
  await using restored = await openRestored(into, cluster.postgres.ownerUrl);
  assert.deepEqual(await restored.query('SELECT id, balance, version FROM accounts ORDER BY id'), balances);
  assert.deepEqual(
    (await restored.query<{ id: string }>('SELECT id FROM transfers ORDER BY id')).map(({ id }) => id),
    kept,
  );
  // Moved on: jobs are found again under another name, cursors of events are refused, and a stolen key stays revoked.
  assert.deepEqual(report.epochs, { jobs: 1, revokedKeys: ['stolen'] });
  const [again] = await restored.query<{ queue_id: string; relayed_at: Date | null }>(
    'SELECT queue_id, relayed_at FROM outbox',
  );
  const [newFeed] = await restored.query<{ epoch: string }>('SELECT epoch FROM feed_state');
  assert.notEqual(newFeed?.epoch, feed?.epoch);
  assert.equal(again?.relayed_at, null);
  assert.notEqual(again?.queue_id, job?.queue_id);
  const keys = await restored.query<{ is_revoked: boolean }>(
    'SELECT revoked_at IS NOT NULL AS is_revoked FROM api_keys',
  );
  assert.deepEqual(keys, [{ is_revoked: true }]);
});

/** A line as the server writes it. */
function lineOf(transferId: string): string {
  const line = {
    '@timestamp': new Date().toISOString(),
    'event.action': 'transfer',
    'ppuri.transfer.id': transferId,
  };
  return `${JSON.stringify({ ...line, 'ppuri.amount': '1', 'ppuri.currency': 'KRW' })}\n`;
}
