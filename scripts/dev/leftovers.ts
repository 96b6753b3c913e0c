// Stops what a killed run has left running on a data folder.
import { stopLeftoverEnvoy } from './envoy.ts';
import { stopLeftoverPostgres } from './postgres.ts';
import { stopLeftoverRedis } from './redis.ts';
import { stopLeftoverAdmin, stopLeftoverServer, stopLeftoverWorker } from './server.ts';

const PARTS = [
  ['Envoy', stopLeftoverEnvoy],
  ['the server', stopLeftoverServer],
  ['the server for ops', stopLeftoverAdmin],
  ['the worker', stopLeftoverWorker],
  ['Redis', stopLeftoverRedis],
  ['PostgreSQL', stopLeftoverPostgres],
] as const;

/** Stops Envoy, the servers, the worker, Redis and PostgreSQL of this data folder if they still run; says so for each. */
export async function stopLeftovers(dataDir: string, say: (line: string) => void): Promise<void> {
  for (const [name, stop] of PARTS) {
    const pid = await stop(dataDir);
    if (pid !== undefined) say(`Stopped ${name} (pid ${pid}) that a killed run had left behind.`);
  }
}
