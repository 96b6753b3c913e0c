// Does the jobs.
import { variableNames } from '../runtime/env.ts';
import { runProgram } from '../runtime/index.ts';
import { SERVER_VARIABLES } from '../server/config.ts';
import { createWorkerProgram } from './compose.ts';
import { readWorkerConfig } from './config.ts';

await runProgram(() => createWorkerProgram(readWorkerConfig(process.env, variableNames(SERVER_VARIABLES))));
