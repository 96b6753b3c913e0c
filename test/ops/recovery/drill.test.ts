// The restore drill in short, and what it sees where the epochs are not moved on.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { keepsPromise } from '../../../scripts/ops/drills/drill.ts';
import { restoreDrill } from '../../../scripts/ops/drills/restore.ts';
import { runScript } from './recovery-cluster.ts';

const RTO_LIMIT_SECONDS = 120;

test('npm run drill -- restore: nothing that was answered before the moment is lost, and nothing is doubled', {
  timeout: 280_000,
}, async () => {
  const { code, stdout, stderr } = await runScript('drill', ['restore', '--seed', '7', '--json'], {});
  assert.equal(code, 0, `${stderr}\n${stdout}`);
  const { drill, lost, doubled, stale, booksOk, acknowledged, rpoSeconds } = JSON.parse(stdout);
  assert.deepEqual(
    { drill, lost, doubled, stale, booksOk },
    { drill: 'restore', lost: 0, doubled: 0, stale: 0, booksOk: true },
  );
  assert.ok(acknowledged > 50);
  assert.ok(rpoSeconds < 5, `${rpoSeconds} s`);
});

test('where the epochs are not moved on, callers are shown balances of the undone future', {
  timeout: 280_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-drill-'));
  chmodSync(folder, 0o755);
  try {
    const report = await restoreDrill({ seed: 7, folder, log: () => {}, keepsEpochs: true });
    assert.ok(report.stale > 0, 'no stale balance was seen');
    assert.equal(keepsPromise(report, RTO_LIMIT_SECONDS), false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
