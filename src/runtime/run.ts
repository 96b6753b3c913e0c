// Runs a program: starts it, stops it when told to, and ends the process in time whatever it waits for.

import { SchemaError } from '../db/schema-error.ts';
import { crashReport, reportCrashes } from './crash.ts';
import { ConfigError } from './env.ts';

/** A running program. It is stopped and not disposed of, because its exit code depends on how that went. */
export interface Program {
  /** Stops it; returns whether everything that was in progress was finished in time. */
  stop(): Promise<boolean>;
  /** The maximum time that stopping takes, in milliseconds. */
  readonly stopsWithinMs: number;
}

/**
 * How the system asks for names (resolv.conf(5)), unless the environment says otherwise: a name server that is silent is given up after
 * 2 s, not 10, and so is each domain of a search list. Node looks names up in threads, and a process ends only after these.
 */
const RESOLVER_OPTIONS = 'timeout:1 attempts:2';

/**
 * Starts a program with the environment of this process, tells the parent process when it works, and stops it on SIGTERM, on
 * SIGINT and when the parent has ended: at once, or as soon as it has started, so that what it began is stopped in order. A
 * second signal ends it at once. The exit code is 0 when everything was finished and 1 when something was cut off. `env` is
 * that of the process itself, where the system looks for RES_OPTIONS.
 */
export async function runProgram(
  env: NodeJS.ProcessEnv,
  start: (env: NodeJS.ProcessEnv) => Promise<Program>,
): Promise<void> {
  reportCrashes();
  env.RES_OPTIONS ??= RESOLVER_OPTIONS;
  let program: Program | undefined;
  let isStopping = false;
  const stop = async () => {
    isStopping = true;
    if (!program) return;
    setTimeout(() => process.exit(1), program.stopsWithinMs);
    process.exit((await program.stop()) ? 0 : 1);
  };
  const onSignal = () => {
    if (isStopping) process.exit(1);
    void stop();
  };
  // Before anything is loaded and started: process 1 of a container does not get a signal that it does not listen for.
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // Otherwise this process would go on unseen after the supervisor that started it died.
  process.on('disconnect', () => {
    if (!isStopping) void stop();
  });
  try {
    program = await start(env);
  } catch (error) {
    console.error(
      error instanceof ConfigError || error instanceof SchemaError ? error.message : crashReport(error),
    );
    process.exit(1);
  }
  if (isStopping) await stop();
  else process.send?.('ready');
}
