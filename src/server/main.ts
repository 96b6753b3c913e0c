// Serves calls.

import { variableNames } from '../runtime/env.ts';
import { runProgram } from '../runtime/index.ts';
import { WORKER_VARIABLES } from '../worker/config.ts';
import { createServerProgram } from './compose.ts';
import { readServerConfig } from './config.ts';

await runProgram(() => createServerProgram(readServerConfig(process.env, variableNames(WORKER_VARIABLES))));
