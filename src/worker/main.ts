// Does the jobs.
import { runProgram } from '../runtime/run.ts';
import { startWorker } from './compose.ts';
import { readWorkerConfig } from './config.ts';

await runProgram(() => startWorker(readWorkerConfig(process.env)));
