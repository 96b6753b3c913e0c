// A worker whose one job pays 1 won, for tests of what the machinery promises to any job: the key is its only guard.
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCall } from '../../src/domain/batch/command.ts';
import { runProgram } from '../../src/runtime/run.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { createWorkerProgram } from '../../src/worker/compose.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import type { Job } from '../../src/worker/job.ts';
import type { JobTools } from '../../src/worker/jobs/index.ts';
import { NO_JOBS } from './no-jobs.ts';
import { SHORT_TIMES } from './short-times.ts';
import { CLAIMER, CREATOR } from './sprinkles.ts';

const pay = ({ execute }: JobTools): Job => ({
  async run({ payment }) {
    const intent = {
      userId: BigInt(CREATOR),
      from: { defaultOf: BigInt(CREATOR), field: 'from' },
      to: { defaultOf: BigInt(CLAIMER), field: 'to' },
      money: { currency: 'KRW', amount: 1n, field: 'amount' } as const,
      memo: '',
    };
    const key = process.env.KEYLESS ? crypto.randomUUID() : `payment:${payment}`;
    await execute(createTransfer, intent, { userId: 0n, key, fingerprint: '00' }, systemCall(key));
    // Paid and not yet noted as done: where a crash makes the job run again.
    await sleep(20);
    if (Number(payment) % 10 === 0 && Math.random() < 0.3) throw new Error('failed after it had paid');
    return {};
  },
});

const createJobs = (_settings: unknown, tools: JobTools) => ({ ...NO_JOBS, 'refund-sprinkle': pay(tools) });
await runProgram(process.env, () =>
  createWorkerProgram(readWorkerConfig(process.env), { times: SHORT_TIMES, createJobs }),
);
