// Serves calls.

import { runProgram } from '../runtime/run.ts';
import { createServerProgram } from './compose.ts';
import { readServerConfig } from './config.ts';

await runProgram(() => createServerProgram(readServerConfig(process.env)));
