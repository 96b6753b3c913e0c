// Serves: reads the settings, starts the app, and stops it when asked to; asked twice, at once.
import { type App, startApp } from './app.ts';
import { ConfigError, readConfig } from './config.ts';

try {
  const config = readConfig(process.env);
  const app = await startApp(config);
  let isStopping = false;
  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    void end(app, config.stopDrainMs + config.stopGraceMs);
  };
  const onSignal = () => {
    if (isStopping) process.exit(1);
    stop();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // A supervisor that started this process and died would otherwise leave it behind, holding the port.
  process.on('disconnect', stop);
  process.send?.('ready');
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
}

/** Ends the process with 0 when every call was finished, with 1 when some were cut off; after that time in any case. */
async function end(app: App, withinMs: number): Promise<void> {
  setTimeout(() => process.exit(1), withinMs);
  process.exit((await app.stop()) ? 0 : 1);
}
