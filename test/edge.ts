// An edge for one test file: a real Envoy in front of its servers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Envoy, type EnvoyOptions, prepareEnvoy } from '../scripts/dev/envoy.ts';
import { findFree } from '../scripts/dev/ports.ts';

/** What the server knows the edge of a test by. */
export const EDGE_SECRET = 'the-secret-of-the-edge-in-tests';

/** The ports of an edge that no server is behind. */
export const NO_SERVER: readonly number[] = [1];

/** What differs from the edge's defaults. */
export type EdgeOptions = Pick<EnvoyOptions, 'settings' | 'render' | 'awaitsServer'>;

/** Starts an Envoy in front of servers on these ports. */
export async function startTestEdge(
  folder: string,
  serverPorts: readonly number[],
  more: EdgeOptions = {},
): Promise<Envoy> {
  const [restPort = 0, grpcEdgePort = 0, adminPort = 0] = await findFree(3);
  const envoy = await prepareEnvoy(
    {
      dataDir: folder,
      logDir: join(folder, 'log'),
      restPort,
      grpcEdgePort,
      adminPort,
      serverPorts,
      edgeSecret: EDGE_SECRET,
      ...more,
      // Envoy does not start with a wrong configuration either, and says why in its log.
      isValidated: false,
      awaitsServer: more.awaitsServer ?? serverPorts !== NO_SERVER,
      // Out of the way, but for the tests that are about it.
      settings: { addressRatePerSecond: 1_000_000, ...more.settings },
    },
    console.error,
  );
  if ('reason' in envoy) throw new Error(`Envoy cannot be had: ${envoy.reason}`);
  return envoy.start().catch((error: Error) => {
    const log = readFileSync(join(folder, 'log', 'envoy.log'), 'utf8');
    throw new Error(`${error.message}:\n${log.slice(0, 1000)}`);
  });
}
