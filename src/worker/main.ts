// Does the jobs.
import { runProgram } from '../runtime/run.ts';
import { createWorkerProgram } from './compose.ts';
import { readWorkerConfig } from './config.ts';

await runProgram(() => createWorkerProgram(readWorkerConfig(process.env)));
