// A worker that pays payouts slowly and in small chunks, for tests that strike it; KEYLESS takes the ledger's key away.
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '../../src/db/pool.ts';
import type { Execute } from '../../src/domain/batch/command.ts';
import { JOB_NAMES } from '../../src/domain/jobs.ts';
import { createLedger, NO_CACHE } from '../../src/ledger/index.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { runProgram } from '../../src/runtime/run.ts';
import type { Job, Jobs } from '../../src/worker/job.ts';
import { runPayout } from '../../src/worker/jobs/run-payout.ts';
import { createJobRunner } from '../../src/worker/queue/job-runner.ts';

const { DATABASE_URL: databaseUrl = '', REDIS_URL: redisUrl = '', KEYLESS } = process.env;
const open = (maxConnections: number) =>
  createPool({ url: databaseUrl, maxConnections, statementTimeoutMs: 10_000, onIdleError: () => {} });
const [ledgerPool, pool] = [open(2), open(8)];
const ledger = createLedger(
  { pool: ledgerPool, random: cryptoRandom, beforeCommit: NO_CACHE, onCommit: () => {} },
  { maxBatch: 1000, lanes: 2, maxWaiting: 10_000 },
);
/** Some take their time between reading what is next and paying it, and after it: where a crash or a second run hurts. */
const execute: Execute = async (verb, intent, key, call) => {
  await sleep(Math.random() * 15);
  const named = KEYLESS ? { ...key, key: crypto.randomUUID() } : key;
  const outcome = await ledger.execute(verb, intent, named, call);
  await sleep(Math.random() * 15);
  return outcome;
};
const nothing: Job = { run: async () => ({}) };
const work = createJobRunner({
  databaseUrl,
  redisUrl,
  pool,
  jobs: {
    ...(Object.fromEntries(JOB_NAMES.map((name) => [name, nothing])) as Jobs),
    'run-payout': runPayout({ pool, execute, chunk: 20 }),
  },
  observer: { ran() {}, deadLettered() {}, relayed() {}, refunded() {}, reconciled() {}, trouble() {} },
  retryMs: 20,
});
await runProgram(async () => ({ stop: () => work.stop().then(() => true), stopsWithinMs: 2_000 }));
