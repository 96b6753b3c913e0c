// A worker as it is, with the shorter times of tests.
import { runProgram } from '../../src/runtime/run.ts';
import { createWorkerProgram } from '../../src/worker/compose.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { SHORT_RECOVERY_TIMES, SHORT_TIMES } from './short-times.ts';

await runProgram(process.env, () =>
  createWorkerProgram(readWorkerConfig(process.env), {
    times: SHORT_TIMES,
    recoveryTimes: SHORT_RECOVERY_TIMES,
  }),
);
