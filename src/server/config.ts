// Every setting that comes from outside: read from the environment once, checked, and typed from then on.
import { LEAST_STATEMENT_TIMEOUT_MS, STATEMENT_TIMEOUT_MS } from '../db/timeouts.ts';
import { DEFAULT_QUOTAS, type Quotas } from '../domain/quotas.ts';
import type { ServerTls } from '../grpc/index.ts';
import type { SealingKeys } from '../keys/seal.ts';
import { EnvReader } from '../runtime/env.ts';

/** How the server is set up. */
export interface ServerConfig {
  readonly databaseUrl: string;
  /** A login with the rights of ppuri_admin: with it the server offers admin.v1 too; undefined where it does not. */
  readonly adminDatabaseUrl: string | undefined;
  readonly replica: ReplicaConfig | undefined;
  readonly redisUrl: string;
  /** The database of archived transfers; undefined where none are archived. */
  readonly archiveDatabaseUrl: string | undefined;
  readonly grpcHost: string;
  readonly grpcPort: number;
  readonly grpcReflection: boolean;
  /** What the server shows to clients, and what it asks of them; plain when undefined. */
  readonly grpcTls: ServerTls | undefined;
  /** How long a call that names no deadline may take, in milliseconds. */
  readonly callTimeoutMs: number;
  /** How many calls may be under way in this process; the ones above that are refused at once. */
  readonly maxInFlight: number;
  /** How long a connection is kept before its client is asked to open a new one, in milliseconds. */
  readonly maxConnectionAgeMs: number;
  /** What the server knows the edge by. */
  readonly edgeSecret: string;
  /** What seals API keys' secrets: the first one seals, all of them open. */
  readonly keyEncryptionKeys: SealingKeys;
  /** CIDR blocks that any call may come from; anywhere when empty. */
  readonly allowedNetworks: readonly string[];
  /** How much each key, user and client address may ask for, in cost units a second; the burst is twice that. */
  readonly rates: { readonly key: number; readonly user: number; readonly address: number };
  /** How long Redis has to answer before a process decides by itself, in milliseconds. */
  readonly redisTimeoutMs: number;
  /** How often API keys are read anew, in milliseconds. */
  readonly keyRefreshMs: number;
  readonly opsHost: string;
  readonly opsPort: number;
  /** The folder of app.log and transactions.log; stdout alone when undefined. */
  readonly logDir: string | undefined;
  /** Which logs go to stdout. */
  readonly logStdout: LogStdout;
  readonly logLevel: LogLevel;
  readonly ledger: {
    readonly maxBatch: number;
    readonly lanes: number;
    readonly maxWaiting: number;
  };
  readonly readConnections: number;
  readonly peopleConnections: number;
  readonly statementTimeoutMs: number;
  /** How much of what anybody can make a user may have. */
  readonly quotas: Quotas;
  readonly sprinkleLifetimeMs: number;
  readonly sprinkleLookupMs: number;
  /** How long a process that stops goes on taking calls, so that the edge notices, in milliseconds. */
  readonly stopDrainMs: number;
  /** How long after that the calls under way may take, in milliseconds. */
  readonly stopGraceMs: number;
}

/** A copy of the database that follows it; undefined where there is none. */
export interface ReplicaConfig {
  readonly url: string;
  readonly connections: number;
  /** So long it has for a read before the primary is asked, catching up included, in milliseconds. */
  readonly timeoutMs: number;
  /** So long of that it has to catch up with the primary, in milliseconds. */
  readonly lagMs: number;
}

/** From what importance on a line is logged. */
export type LogLevel = (typeof LOG_LEVELS)[number];
/** Which logs go to stdout; `app` leaves out the transactions. */
export type LogStdout = (typeof LOG_STDOUTS)[number];

/** What LOG_STDOUT can be. */
export const LOG_STDOUTS = ['all', 'app', 'none'] as const;
/** From what importance on a line can be logged. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const POSTGRES = ['postgres:', 'postgresql:'];
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** The settings are wrong; the message names each variable that is, one a line. */
export class ConfigError extends Error {}

/** Reads the settings. Throws a ConfigError that names everything that is missing or wrong at once. */
export function readServerConfig(env: NodeJS.ProcessEnv): ServerConfig {
  const read = new EnvReader(env);
  const config: ServerConfig = {
    databaseUrl: read.url('DATABASE_URL', POSTGRES),
    adminDatabaseUrl: read.optionalUrl('ADMIN_DATABASE_URL', POSTGRES),
    replica: env.REPLICA_URL
      ? {
          url: read.url('REPLICA_URL', POSTGRES),
          connections: read.whole('REPLICA_CONNECTIONS', 8, 1, 1000),
          timeoutMs: read.whole('REPLICA_TIMEOUT_MS', 500, 1, 10 * SECOND),
          lagMs: read.whole('REPLICA_LAG_MS', 50, 0, 10 * SECOND),
        }
      : undefined,
    redisUrl: read.url('REDIS_URL', ['redis:', 'rediss:']),
    archiveDatabaseUrl: read.optionalUrl('ARCHIVE_DATABASE_URL', ['postgres:', 'postgresql:']),
    grpcHost: read.text('GRPC_HOST', '127.0.0.1'),
    grpcPort: read.whole('GRPC_PORT', 50051, 0, 65535),
    // What helps to develop against a server also helps to attack one, and no signature is asked for.
    grpcReflection: read.choice('GRPC_REFLECTION', 'false', ['true', 'false']) === 'true',
    grpcTls: read.tls('GRPC_TLS_CERT', 'GRPC_TLS_KEY', 'GRPC_TLS_CLIENT_CA'),
    // Shorter than the edge waits for an answer (10 s), so that a call that takes too long gets ours and not the edge's.
    callTimeoutMs: read.whole('CALL_TIMEOUT_MS', 9 * SECOND, 1, 10 * MINUTE),
    maxInFlight: read.whole('MAX_IN_FLIGHT', 2560, 4, 100_000),
    maxConnectionAgeMs: read.whole('MAX_CONNECTION_AGE_MS', 30 * MINUTE, 100, DAY),
    edgeSecret: read.secret('EDGE_SECRET'),
    keyEncryptionKeys: read.sealingKeys('KEY_ENCRYPTION_KEYS'),
    allowedNetworks: read.networks('ALLOWED_NETWORKS'),
    rates: {
      key: read.whole('KEY_RATE_PER_SECOND', 5000, 1, 1_000_000),
      user: read.whole('USER_RATE_PER_SECOND', 100, 1, 1_000_000),
      address: read.whole('IP_RATE_PER_SECOND', 1000, 1, 1_000_000),
    },
    redisTimeoutMs: read.whole('REDIS_TIMEOUT_MS', 100, 1, 10 * SECOND),
    keyRefreshMs: read.whole('KEY_REFRESH_MS', 30 * SECOND, 100, 30 * SECOND),
    opsHost: read.text('OPS_HOST', '127.0.0.1'),
    opsPort: read.whole('OPS_PORT', 9464, 0, 65535),
    logDir: env.LOG_DIR || undefined,
    logStdout: read.choice('LOG_STDOUT', 'all', LOG_STDOUTS),
    logLevel: read.choice('LOG_LEVEL', 'info', LOG_LEVELS),
    ledger: {
      maxBatch: read.whole('LEDGER_MAX_BATCH', 1024, 1, 10_000),
      lanes: read.whole('LEDGER_LANES', 2, 1, 32),
      maxWaiting: read.whole('LEDGER_MAX_WAITING', 4096, 1, 100_000),
    },
    readConnections: read.whole('READ_CONNECTIONS', 8, 1, 1000),
    peopleConnections: read.whole('PEOPLE_CONNECTIONS', 4, 1, 1000),
    statementTimeoutMs: read.whole(
      'STATEMENT_TIMEOUT_MS',
      STATEMENT_TIMEOUT_MS,
      LEAST_STATEMENT_TIMEOUT_MS,
      10 * MINUTE,
    ),
    quotas: readQuotas(read),
    sprinkleLifetimeMs: read.whole('SPRINKLE_LIFETIME_MS', 10 * MINUTE, 1, DAY),
    sprinkleLookupMs: read.whole('SPRINKLE_LOOKUP_MS', 7 * DAY, 1, 365 * DAY),
    // The edge asks for health once a second: it has heard of the end twice before calls are refused.
    stopDrainMs: read.whole('STOP_DRAIN_MS', 2 * SECOND, 0, 10 * MINUTE),
    // Both together are less than the 10 s after which container runtimes kill.
    stopGraceMs: read.whole('STOP_GRACE_MS', 7 * SECOND, 0, 10 * MINUTE),
  };
  if (read.faults.length > 0) throw new ConfigError(read.faults.join('\n'));
  return config;
}

function readQuotas(read: EnvReader): Quotas {
  const quota = (name: string, which: keyof Quotas) => read.whole(name, DEFAULT_QUOTAS[which], 1, 1_000_000);
  return {
    walletsPerUser: quota('MAX_WALLETS_PER_USER', 'walletsPerUser'),
    payoutDraftsPerUser: quota('MAX_PAYOUT_DRAFTS_PER_USER', 'payoutDraftsPerUser'),
    roomsPerUser: quota('MAX_ROOMS_PER_USER', 'roomsPerUser'),
    membersPerRoom: quota('MAX_MEMBERS_PER_ROOM', 'membersPerRoom'),
    friendsPerUser: quota('MAX_FRIENDS_PER_USER', 'friendsPerUser'),
  };
}
