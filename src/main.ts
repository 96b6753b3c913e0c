// Serves calls.
import { startApp } from './app.ts';
import { readConfig } from './config.ts';
import { runProgram } from './run-program.ts';

await runProgram(() => startApp(readConfig(process.env)));
