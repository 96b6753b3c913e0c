// The worker, which does background jobs: config.ts reads its settings, compose.ts makes the program of them, jobs/ has a file
// for each job, and queue/ brings jobs from the outbox to workers.
import { variableNames } from '../runtime/env.ts';
import { runProgram } from '../runtime/index.ts';
import { SERVER_VARIABLES } from '../server/config.ts';
import { createWorkerProgram } from './compose.ts';
import { readWorkerConfig } from './config.ts';

await runProgram(process.env, (env) =>
  createWorkerProgram(readWorkerConfig(env, variableNames(SERVER_VARIABLES))),
);
