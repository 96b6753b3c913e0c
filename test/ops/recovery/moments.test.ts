// A restore to a random moment has exactly the transfers that were committed before it, and the balances that follow from them.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findPgTools } from '../../../scripts/ops/parts/pg-tools.ts';
import { parseTarget } from '../../../scripts/recovery/restore-plan.ts';
import { readCommits } from '../../../scripts/recovery/wal-commits.ts';
import { seededRandom } from '../../domain/seeded-random.ts';
import { type Bank, openBank } from './bank.ts';
import { type RecoveryCluster, startRecoveryCluster } from './recovery-cluster.ts';
import { openRestored } from './restored.ts';

const MOMENTS = Number(process.env.TEST_MOMENTS ?? 3);
const SEED = Number(process.env.TEST_SEED ?? 20261126);
const ROUNDS = 12;

let cluster: RecoveryCluster;
let bank: Bank;
let walFolder: string;
before(async () => {
  // Of a folder, unencrypted, so that this restores without a key, too.
  cluster = await startRecoveryCluster({ isEncrypted: false });
  bank = await openBank(cluster.postgres);
  walFolder = mkdtempSync(join(tmpdir(), 'ppuri-wal-'));
});
after(async () => {
  await bank?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  if (walFolder) rmSync(walFolder, { recursive: true, force: true });
});

/** The ids of the transactions whose commits come before the first one after the moment, as pg_waldump lists them. */
async function committedBefore(moment: string): Promise<Set<string>> {
  const names = (
    await cluster.query<{ name: string }>(
      // Behind the present one are files to come, with what they held before.
      'SELECT name FROM pg_ls_waldir() WHERE length(name) = 24 AND name <= pg_walfile_name(pg_current_wal_lsn()) ORDER BY 1',
    )
  ).map(({ name }) => name);
  cpSync(join(cluster.postgres.cluster, 'pg_wal'), walFolder, { recursive: true });
  const found = new Set<string>();
  const range = { first: names[0] ?? '', last: names.at(-1) ?? '', segmentBytes: 16 << 20 };
  for await (const { xid, at } of readCommits(await findPgTools(), walFolder, range)) {
    if (at > Number(parseTarget(moment))) return found;
    found.add(xid);
  }
  return found;
}

interface Row {
  readonly id: string;
  readonly xid: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: string;
}

const TRANSFERS = `
  SELECT id, written_by::text AS xid, debit_account_id AS debit, credit_account_id AS credit, amount::text FROM transfers ORDER BY id`;

test(`restores to ${MOMENTS} random moments of concurrent payments, by seed ${SEED}`, {
  timeout: 70_000 * (MOMENTS + 1),
}, async () => {
  const random = seededRandom(SEED);
  await cluster.must('backup', []);
  const moments: { at: string; answered: Set<string> }[] = [];
  const answered = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const paying = bank.payMany(40).then((ids) => {
      for (const id of ids) answered.add(id);
    });
    await sleep(random.below(60));
    moments.push({ answered: new Set(answered), at: await cluster.now() });
    await paying;
    if (round === ROUNDS / 2) await cluster.archived();
  }
  await cluster.archived();
  const all = await cluster.query<Row>(TRANSFERS);
  assert.ok(all.length > ROUNDS * 40);

  for (let index = 0; index < MOMENTS; index++) {
    const moment = moments[random.below(moments.length)] ?? { at: '', answered: new Set() };
    const committed = await committedBefore(moment.at);
    const expected = all.filter(({ xid }) => committed.has(xid));
    const into = join(cluster.folder, `restored-${index}`);
    const report = JSON.parse(await cluster.must('restore', ['--to', moment.at, '--into', into, '--json']));
    await using restored = await openRestored(into, cluster.postgres.ownerUrl);
    assert.deepEqual(await restored.query<Row>(TRANSFERS), expected, moment.at);
    const ids = new Set(expected.map(({ id }) => id));
    assert.deepEqual(
      [...moment.answered].filter((id) => !ids.has(id)),
      [],
      'a payment that was answered before is missing',
    );
    assert.equal(report.undone.transfers.length, all.length - expected.length, 'what was undone');
    const balances = await restored.query<{ id: string; balance: string }>(
      'SELECT id, balance::text FROM accounts WHERE version > 0 ORDER BY id',
    );
    assert.deepEqual(balances, balancesOf(expected));
  }
});

function balancesOf(rows: readonly Row[]): { id: string; balance: string }[] {
  const balances = new Map<string, bigint>();
  for (const { debit, credit, amount } of rows) {
    balances.set(debit, (balances.get(debit) ?? 0n) - BigInt(amount));
    balances.set(credit, (balances.get(credit) ?? 0n) + BigInt(amount));
  }
  return [...balances]
    .map(([id, balance]) => ({ id, balance: String(balance) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}
