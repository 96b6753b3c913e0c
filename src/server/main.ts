// The server, which answers calls over gRPC: config.ts reads its settings, compose.ts makes the program of them.

import { variableNames } from '../runtime/env.ts';
import { runProgram } from '../runtime/index.ts';
import { WORKER_VARIABLES } from '../worker/config.ts';
import { createServerProgram } from './compose.ts';
import { readServerConfig } from './config.ts';

await runProgram(process.env, (env) =>
  createServerProgram(readServerConfig(env, variableNames(WORKER_VARIABLES))),
);
