// Serves: reads the settings, starts the app, and stops it when asked to.
import { startApp } from './app.ts';
import { ConfigError, readConfig } from './config.ts';

try {
  const app = await startApp(readConfig(process.env));
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await app.stop();
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // A supervisor that started this process and died would otherwise leave it behind, holding the port.
  process.on('disconnect', stop);
  process.send?.('ready');
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
}
