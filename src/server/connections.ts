// How many connections to its database a server opens.
import { READ_SETTINGS } from '../db/pool.ts';
import { sharedConnections } from '../runtime/index.ts';
import type { ServerConfig } from './config.ts';

/** For people and API keys. */
export const PEOPLE_CONNECTIONS = 4;
/** Those who operate ppuri are few; connections for keys, and for the rest. */
export const ADMIN_CONNECTIONS = 2;
/** The probe of Postgres' health. */
const HEALTH_CONNECTIONS = 1;

/** The pool for reads, of the server's database or of the archive. */
export function readSettings({ readConnections }: Pick<ServerConfig, 'readConnections'>) {
  return { maxConnections: readConnections, settings: READ_SETTINGS };
}

/** The most that a server with these settings has at a time; docs/performance.md and the chart count with it. */
export function serverConnections(
  config: Pick<ServerConfig, 'ledger' | 'readConnections' | 'adminDatabaseUrl'>,
): number {
  const admin = config.adminDatabaseUrl === undefined ? 0 : 2 * ADMIN_CONNECTIONS;
  return sharedConnections(config) + config.readConnections + PEOPLE_CONNECTIONS + HEALTH_CONNECTIONS + admin;
}
