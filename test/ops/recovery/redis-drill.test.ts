// The Redis drill in short: what Redis held is there again from Postgres, jobs are done once, and nobody is shown a stale balance.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { keepsPromise } from '../../../scripts/ops/drills/drill.ts';
import { redisDrill } from '../../../scripts/ops/drills/redis.ts';

const RTO_LIMIT_SECONDS = 10;

test('npm run drill -- redis: an emptied Redis and an empty one in its place are filled again from Postgres', {
  timeout: 240_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-drill-'));
  chmodSync(folder, 0o755);
  try {
    const sizes = { jobs: 100, wallets: 200, jobsWaitMs: 15_000 };
    const report = await redisDrill({ seed: 7, folder, log: () => {}, ...sizes });
    console.log(JSON.stringify(report));
    const { lost, doubled, stale, booksOk, waitingJobs } = report;
    assert.deepEqual({ lost, doubled, stale, booksOk }, { lost: 0, doubled: 0, stale: 0, booksOk: true });
    assert.ok(keepsPromise(report, RTO_LIMIT_SECONDS), `${report.rtoSeconds} s`);
    assert.ok(
      waitingJobs.every((jobs) => jobs >= sizes.jobs / 2),
      `${waitingJobs.join()} jobs waited`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
