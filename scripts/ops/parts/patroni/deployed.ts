// The files of deploy/ha/ with the addresses, ports and paths of one cluster on this machine in the place of the example's.
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** Where a node is. */
export interface NodeAddress {
  readonly host: string;
  readonly postgresPort: number;
  readonly restPort: number;
}

/** The ports of a door. */
export interface DoorPorts {
  readonly primary: number;
  readonly standbys: number;
  readonly admin: number;
}

/** A deployed file as it is. */
export function deployed(name: string): string {
  return readFileSync(new URL(`../../../../deploy/ha/${name}`, import.meta.url), 'utf8');
}

/** The variables of a deployed env file. Throws when one that is to be replaced is not in it. */
export function deployedEnv(
  name: string,
  replaced: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  const variables = parseEnv(deployed(name));
  const unknown = Object.keys(replaced).filter((key) => !(key in variables));
  if (unknown.length > 0) throw new Error(`${name} has no ${unknown.join(', ')}`);
  return { ...variables, ...replaced };
}

/** The configuration of a door: node k of the example is 10.0.0.1k, with Postgres on 5432 and Patroni on 8008. */
export function doorConfig(name: string, nodes: readonly NodeAddress[], ports: DoorPorts): string {
  const listeners = new Map([
    ['5000', ports.primary],
    ['5001', ports.standbys],
    ['9902', ports.admin],
  ]);
  return deployed(name)
    .split('\n')
    .map((line) => {
      const index = /\b10\.0\.0\.1([1-9])\b/.exec(line)?.[1];
      if (!index) return line.replaceAll(/\b(?:5000|5001|9902)\b/g, (port) => String(listeners.get(port)));
      const node = nodes[Number(index) - 1];
      if (!node) throw new Error(`${name} has a node ${index}`);
      return line
        .replaceAll(`10.0.0.1${index}`, node.host)
        .replaceAll(/\b5432\b/g, String(node.postgresPort))
        .replaceAll(/\b8008\b/g, String(node.restPort));
    })
    .join('\n');
}
