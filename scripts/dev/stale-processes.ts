// Stops what a killed run has left running on a data folder.
import { stopStaleEnvoy } from './envoy.ts';
import { stopStalePostgres } from './postgres.ts';
import { stopStaleRedis } from './redis.ts';
import { stopStaleAdmin, stopStaleServer, stopStaleWorker } from './server.ts';

const PARTS = [
  ['Envoy', stopStaleEnvoy],
  ['the server', stopStaleServer],
  ['the server for ops', stopStaleAdmin],
  ['the worker', stopStaleWorker],
  ['Redis', stopStaleRedis],
  ['PostgreSQL', stopStalePostgres],
] as const;

/** Stops Envoy, the servers, the worker, Redis and PostgreSQL of this data folder if they still run; says so for each. */
export async function stopStaleProcesses(dataDir: string, say: (line: string) => void): Promise<void> {
  for (const [name, stop] of PARTS) {
    const pid = await stop(dataDir);
    if (pid !== undefined) say(`Stopped ${name} (pid ${pid}) that a killed run had left behind.`);
  }
}
