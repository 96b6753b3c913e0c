// The worker, which does background jobs: config.ts reads its settings, compose.ts makes the program of them, jobs/ has a file
// for each job, and queue/ brings jobs from the outbox to workers.
import { variableNames } from '../runtime/env.ts';
import { runProgram } from '../runtime/run.ts';
import { SERVER_VARIABLES } from '../server/config.ts';
import { readWorkerConfig } from './config.ts';

// What it is made of is loaded once signals are heard.
await runProgram(process.env, async (env) => {
  const { createWorkerProgram } = await import('./compose.ts');
  return createWorkerProgram(readWorkerConfig(env, variableNames(SERVER_VARIABLES)));
});
