// Does the jobs.
import { runProgram } from './run-program.ts';
import { startWorker } from './worker-app.ts';
import { readWorkerConfig } from './worker-config.ts';

await runProgram(() => startWorker(readWorkerConfig(process.env)));
