// Runs a program: starts it, stops it when told to, and ends the process in time whatever it waits for.

import { crashReport, reportCrashes } from './crash.ts';
import { ConfigError } from './env.ts';

/** A program at work. */
export interface Program extends AsyncDisposable {
  /** Stops it; returns whether everything under way was finished in time. */
  stop(): Promise<boolean>;
  /** What stopping may take, in milliseconds. */
  readonly stopsWithinMs: number;
}

/** A program that is stopped like this. */
export function programOf(stop: () => Promise<boolean>, stopsWithinMs: number): Program {
  return {
    stop,
    stopsWithinMs,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

/**
 * Starts a program, tells the parent process when it works, and stops it on SIGTERM, on SIGINT and when the parent is
 * gone; asked twice, at once. The process ends with 0 when everything was finished and with 1 when something was cut off.
 */
export async function runProgram(start: () => Promise<Program>): Promise<void> {
  reportCrashes();
  try {
    const program = await start();
    let isStopping = false;
    const stop = async () => {
      if (isStopping) return;
      isStopping = true;
      setTimeout(() => process.exit(1), program.stopsWithinMs);
      process.exit((await program.stop()) ? 0 : 1);
    };
    const onSignal = () => {
      if (isStopping) process.exit(1);
      void stop();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    // Otherwise this process would go on unseen after the supervisor that started it died.
    process.on('disconnect', stop);
    process.send?.('ready');
  } catch (error) {
    console.error(error instanceof ConfigError ? error.message : crashReport(error));
    process.exit(1);
  }
}
