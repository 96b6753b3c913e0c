// What a backup has to know of a running cluster.
import { createHash } from 'node:crypto';
import pg from 'pg';
import { SetupError } from '../cli/program.ts';
import type { KeyFingerprint } from './catalog.ts';

/** A running cluster. */
export interface ClusterFacts {
  readonly clusterId: string;
  readonly timeline: number;
  readonly postgresVersion: string;
  /** By the database's clock. */
  readonly now: Date;
  readonly segmentBytes: number;
  /** Of all databases. */
  readonly bytes: number;
  readonly archiveMode: string;
  readonly summarizeWal: boolean;
  readonly archiver: { readonly isFailing: boolean; readonly failedWal: string; readonly failedAt: string };
  /** The role with which it was initialized. */
  readonly superuser: string;
  readonly ledgers: readonly string[];
  readonly archives: readonly string[];
  readonly keyEncryptionKeys: readonly KeyFingerprint[];
}

const FACTS = `
  SELECT (SELECT system_identifier::text FROM pg_control_system()) AS "clusterId",
    (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline,
    current_setting('server_version') AS "postgresVersion", clock_timestamp() AS now,
    pg_size_bytes(current_setting('wal_segment_size'))::int AS "segmentBytes",
    (SELECT sum(pg_database_size(oid))::float8 FROM pg_database) AS bytes,
    current_setting('archive_mode') AS "archiveMode", current_setting('summarize_wal')::boolean AS "summarizeWal",
    (SELECT rolname FROM pg_roles WHERE oid = 10) AS superuser`;

const ARCHIVER = `
  SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) AS "isFailing",
    coalesce(last_failed_wal, '') AS "failedWal", coalesce(last_failed_time::text, '') AS "failedAt" FROM pg_stat_archiver`;

const SEALED_BY = `
  SELECT DISTINCT split_part(sealed_secret, ':', 1) AS id FROM api_keys WHERE sealed_secret IS NOT NULL ORDER BY 1`;

const CONNECT_TIMEOUT_MS = 10_000;

/** Connects. Throws a SetupError where that fails. */
export async function connect(url: string, database?: string): Promise<pg.Client> {
  const target = new URL(url);
  if (database !== undefined) target.pathname = `/${encodeURIComponent(database)}`;
  const client = new pg.Client({
    connectionString: target.href,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw new SetupError(
      `cannot connect to ${target.host}${target.pathname} as ${target.username}: ${(error as Error).message}`,
    );
  }
  return client;
}

/** The database's clock. */
export async function clockOf(client: pg.Client): Promise<Date> {
  return (await client.query<{ now: Date }>('SELECT clock_timestamp() AS now')).rows[0]?.now ?? new Date();
}

/** Reads the facts. The client is connected to the ledger. */
export async function readFacts(client: pg.Client, keyEncryptionKeys: string): Promise<ClusterFacts> {
  type Row = Omit<ClusterFacts, 'archiver' | 'ledgers' | 'archives' | 'keyEncryptionKeys'>;
  const facts = (await client.query<Row>(FACTS)).rows[0];
  const archiver = (await client.query<ClusterFacts['archiver']>(ARCHIVER)).rows[0];
  if (!facts || !archiver) throw new SetupError('the cluster says nothing of itself');
  const kinds = await kindsOfDatabases(client);
  const ids =
    kinds.get(client.database ?? '') === 'ledger' ? (await client.query<{ id: string }>(SEALED_BY)).rows : [];
  const named = (kind: DatabaseKind) => [...kinds].flatMap(([name, found]) => (found === kind ? [name] : []));
  return {
    ...facts,
    archiver,
    ledgers: named('ledger'),
    archives: named('archive'),
    keyEncryptionKeys: ids.map(({ id }) => ({ id, fingerprint: fingerprintOf(id, keyEncryptionKeys) })),
  };
}

type DatabaseKind = 'ledger' | 'archive';

/** Which databases hold a ledger or an archive, by tables that only they have. */
async function kindsOfDatabases(client: pg.Client): Promise<Map<string, DatabaseKind>> {
  const { rows } = await client.query<{ datname: string }>(
    'SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1',
  );
  const kinds = new Map<string, DatabaseKind>();
  for (const { datname } of rows) {
    const own = datname === client.database ? client : await sibling(client, datname);
    if (!own) continue;
    const found = await own.query<{ kind: DatabaseKind | null }>(
      `SELECT CASE WHEN to_regclass('public.ledger_checkpoints') IS NOT NULL THEN 'ledger'
                   WHEN to_regclass('public.transfers') IS NOT NULL THEN 'archive' END AS kind`,
    );
    if (own !== client) await own.end();
    const kind = found.rows[0]?.kind;
    if (kind) kinds.set(datname, kind);
  }
  return kinds;
}

/** A connection of the same login to another database; undefined where it may not connect. */
async function sibling({ host, port, user, password, ssl }: pg.Client, database: string) {
  const settings = { host, port, database, connectionTimeoutMillis: CONNECT_TIMEOUT_MS };
  const other = new pg.Client({ ...settings, ...(user && { user }), ...(password && { password }), ssl });
  other.on('error', () => {});
  return other.connect().then(
    () => other,
    () => undefined,
  );
}

/** The fingerprint of a key of `ID:BASE64,…`; empty where it is not among them. */
export function fingerprintOf(id: string, keyEncryptionKeys: string): string {
  const found = keyEncryptionKeys.split(',').find((key) => key.trim().startsWith(`${id}:`));
  if (!found) return '';
  const key = Buffer.from(found.trim().slice(id.length + 1), 'base64');
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}
