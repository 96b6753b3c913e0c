// A worker as it is, but for failed jobs: they are tried again after 20 ms, so that tests need not wait for seconds.
import { runProgram } from '../../src/runtime/run.ts';
import { createWorkerProgram } from '../../src/worker/compose.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';

await runProgram(() => createWorkerProgram(readWorkerConfig(process.env), { retryMs: 20 }));
