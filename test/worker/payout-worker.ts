// A worker that pays payouts slowly and in small chunks, for tests that strike it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Execute } from '../../src/domain/batch/command.ts';
import { runProgram } from '../../src/runtime/run.ts';
import { createWorkerProgram } from '../../src/worker/compose.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import type { JobTools } from '../../src/worker/jobs/index.ts';
import { runPayout } from '../../src/worker/jobs/run-payout.ts';
import { NO_JOBS } from './no-jobs.ts';
import { SHORT_TIMES } from './short-times.ts';

/** Some take their time between reading what is next and paying it, and after it: where a crash or a second run hurts. */
function slowly(execute: Execute): Execute {
  return async (command, intent, key, call) => {
    await sleep(Math.random() * 30);
    const outcome = await execute(command, intent, key, call);
    await sleep(Math.random() * 30);
    return outcome;
  };
}

const createJobs = (_settings: unknown, { pool, execute }: JobTools) => ({
  ...NO_JOBS,
  'run-payout': runPayout({ pool, execute: slowly(execute), chunk: 20 }),
});
await runProgram(process.env, () =>
  createWorkerProgram(readWorkerConfig(process.env), { times: SHORT_TIMES, createJobs }),
);
