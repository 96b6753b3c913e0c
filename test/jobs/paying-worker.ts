// A worker whose one job pays 1 won, for tests of what the machinery promises to any job: the key is its only guard.

import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '../../src/db/pool.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { JOB_NAMES } from '../../src/domain/jobs.ts';
import { createLedger, NO_CACHE } from '../../src/ledger/index.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { runProgram } from '../../src/runtime/run.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import type { Job, Jobs } from '../../src/worker/job.ts';
import { createJobRunner } from '../../src/worker/queue/job-runner.ts';
import { CLAIMER, CREATOR } from './sprinkles.ts';

const { DATABASE_URL: databaseUrl = '', REDIS_URL: redisUrl = '', KEYLESS } = process.env;
const onIdleError = () => {};
const open = (maxConnections: number) =>
  createPool({ url: databaseUrl, maxConnections, statementTimeoutMs: 10_000, onIdleError });
const [ledgerPool, pool] = [open(2), open(8)];
const { execute } = createLedger(
  { pool: ledgerPool, random: cryptoRandom, beforeCommit: NO_CACHE, onCommit: () => {} },
  { maxBatch: 100, lanes: 2, maxWaiting: 10_000 },
);
const nothing: Job = { run: async () => ({}) };

const pay: Job = {
  async run({ payment }) {
    const intent = {
      userId: BigInt(CREATOR),
      from: { defaultOf: BigInt(CREATOR), field: 'from' },
      to: { defaultOf: BigInt(CLAIMER), field: 'to' },
      money: { currency: 'KRW', amount: 1n, field: 'amount' } as const,
      memo: '',
    };
    const key = KEYLESS ? crypto.randomUUID() : `payment:${payment}`;
    await execute(createTransfer, intent, { userId: 0n, key, fingerprint: '00' }, systemCall(key));
    // Paid and not yet noted as done: where a crash makes the job run again.
    await sleep(20);
    if (Number(payment) % 10 === 0 && Math.random() < 0.3) throw new Error('failed after it had paid');
    return {};
  },
};

const work = createJobRunner({
  databaseUrl,
  redisUrl,
  pool,
  jobs: { ...(Object.fromEntries(JOB_NAMES.map((name) => [name, nothing])) as Jobs), 'refund-sprinkle': pay },
  observer: { ran() {}, deadLettered() {}, relayed() {}, refunded() {}, reconciled() {}, trouble() {} },
  retryMs: 20,
});
await runProgram(async () => ({ stop: () => work.stop().then(() => true), stopsWithinMs: 2_000 }));
