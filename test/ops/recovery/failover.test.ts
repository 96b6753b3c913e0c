// The failover drill in short, and what it sees where no standby has what was answered.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { keepsPromise } from '../../../scripts/ops/drills/drill.ts';
import {
  type FailoverOptions,
  type FailoverReport,
  failoverDrill,
} from '../../../scripts/ops/drills/failover.ts';
import { findPatroni } from '../../../scripts/ops/parts/patroni.ts';
import { orSkipAll } from '../../skip.ts';

const TIMEOUT_MS = 280_000;
/** On a machine that does much else; `npm run drill -- failover` promises 10 s. */
const RTO_LIMIT_SECONDS = 60;
let skip: string | false = false;
before(async () => {
  const found = await findPatroni(console.error);
  skip = orSkipAll('reason' in found ? found : { paths: [] }, 'Patroni').skip;
});

async function drill(options: Pick<FailoverOptions, 'damage' | 'losesPayments'>): Promise<FailoverReport> {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-drill-'));
  chmodSync(folder, 0o755);
  try {
    return await failoverDrill({ seed: 1, folder, log: () => {}, ...options });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('the primary is killed: nothing that was answered is lost, doubled or shown falsely', {
  timeout: TIMEOUT_MS,
}, async (context) => {
  if (skip) return context.skip(skip);
  const report = await drill({ damage: 'postmaster' });
  const { lost, doubled, stale, booksOk, rpoSeconds } = report;
  const expected = { lost: 0, doubled: 0, stale: 0, booksOk: true, rpoSeconds: 0 };
  assert.deepEqual({ lost, doubled, stale, booksOk, rpoSeconds }, expected);
  assert.ok(report.acknowledged > 50);
  assert.ok(keepsPromise(report, RTO_LIMIT_SECONDS), `${report.rtoSeconds} s`);
});

test('where no standby has them, payments that were answered are lost, and the drill sees it', {
  timeout: TIMEOUT_MS,
}, async (context) => {
  if (skip) return context.skip(skip);
  const report = await drill({ damage: 'postmaster', losesPayments: true });
  assert.ok(report.lost > 0 && report.rpoSeconds > 0, JSON.stringify(report));
  assert.deepEqual([report.doubled, report.stale, report.booksOk], [0, 0, true]);
  assert.equal(keepsPromise(report, RTO_LIMIT_SECONDS), false);
});
