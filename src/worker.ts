// Works: reads the settings, starts the worker, and stops it when asked to.

import { ConfigError } from './config.ts';
import { startWorker } from './worker-app.ts';
import { readWorkerConfig } from './worker-config.ts';

try {
  const worker = await startWorker(readWorkerConfig(process.env));
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await worker.stop();
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // A supervisor that started this process and died would otherwise leave it behind, doing jobs unseen.
  process.on('disconnect', stop);
  process.send?.('ready');
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
}
