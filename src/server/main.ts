// The server, which answers calls over gRPC: config.ts reads its settings, compose.ts makes the program of them.

import { variableNames } from '../runtime/env.ts';
import { runProgram } from '../runtime/run.ts';
import { WORKER_VARIABLES } from '../worker/config.ts';
import { readServerConfig } from './config.ts';

// What it is made of is loaded once signals are heard.
await runProgram(process.env, async (env) => {
  const { createServerProgram } = await import('./compose.ts');
  return createServerProgram(readServerConfig(env, variableNames(WORKER_VARIABLES)));
});
