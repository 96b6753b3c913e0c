// A door to Postgres from its deployed configuration: one address that always leads to the primary, by Envoy or by HAProxy.
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { findEnvoy } from '../../../dev/envoy.ts';
import { debianPackages, type FoundProgram } from '../../../dev/install.ts';
import { findFree, HOST } from '../../../dev/ports.ts';
import { answers, type Part, required, startPart } from '../part.ts';
import { type DoorPorts, doorConfig, type NodeAddress } from './deployed.ts';

/** A program that can be a door. */
export type DoorKind = 'envoy' | 'haproxy';

/** A running door. */
export interface Door extends Part {
  /** The port that leads to the primary. */
  readonly primaryPort: number;
  /** The port that leads to standbys. */
  readonly standbysPort: number;
  /** Envoy's admin API; HAProxy has none. */
  readonly adminUrl: string;
}

/** Finds or installs its program. */
export async function findDoor(kind: DoorKind, log: (line: string) => void): Promise<FoundProgram> {
  if (kind === 'envoy') return findEnvoy(log);
  const found = await debianPackages(['haproxy'], ['haproxy'], log);
  return 'reason' in found ? found : { path: found.paths[0] ?? 'haproxy' };
}

/** Starts it. Throws a SetupError when it cannot be had. */
export async function startDoor(
  kind: DoorKind,
  folder: string,
  nodes: readonly NodeAddress[],
  log: (line: string) => void = console.error,
): Promise<Door> {
  const { path } = required(`the door ${kind}`, await findDoor(kind, log));
  const [primary = 0, standbys = 0, admin = 0] = await findFree(3);
  const ports: DoorPorts = { primary, standbys, admin };
  const file = kind === 'envoy' ? 'envoy-postgres.yaml' : 'haproxy.cfg';
  const place = join(folder, `door-${kind}`);
  mkdirSync(place, { recursive: true });
  const config = join(place, file);
  writeFileSync(config, doorConfig(file, nodes, ports));
  const adminUrl = `http://${HOST}:${admin}`;
  const part = await startPart({
    name: `door ${kind}`,
    folder: place,
    url: `${HOST}:${primary}`,
    command: path,
    args:
      kind === 'envoy'
        ? ['-c', config, '--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning']
        : // In the foreground.
          ['-db', '-f', config],
    isReady: () => (kind === 'envoy' ? answers(`${adminUrl}/ready`) : accepts(primary)),
  });
  return { ...part, primaryPort: primary, standbysPort: standbys, adminUrl };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
