// Serves calls.

import { runProgram } from '../runtime/run.ts';
import { startApp } from './compose.ts';
import { readConfig } from './config.ts';

await runProgram(() => startApp(readConfig(process.env)));
