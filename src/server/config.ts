// The settings of a server: read from the environment once, checked, and typed from then on.
import { DEFAULT_QUOTAS, type Quotas } from '../domain/quotas.ts';
import type { ServerTls } from '../grpc/index.ts';
import { readVariables, type ValuesOf } from '../runtime/env.ts';
import {
  file,
  flag,
  networks,
  optionalUrl,
  sealingKeys,
  secret,
  text,
  timeZone,
  whole,
} from '../runtime/variable-kinds.ts';
import {
  COMMON_VARIABLES,
  POSTGRES_SCHEMES,
  redisAddressFaults,
  SEALED_SECRETS,
} from '../runtime/variables.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** What a client's address may use in a second, and by default also how many calls the edge takes from it. */
export const ADDRESS_RATE_PER_SECOND = 1000;

const rate = (name: string, whose: string, fallback: number) =>
  whole(name, `What ${whose} may use in a second; twice that at once.`, {
    fallback,
    min: 1,
    max: 1_000_000,
    unit: 'cost units a second',
  });

const quota = (name: string, what: string, which: keyof Quotas) =>
  whole(name, `The maximum number of ${what}. Those who have more already keep them.`, {
    fallback: DEFAULT_QUOTAS[which],
    min: 1,
    max: 1_000_000,
  });

/** Every variable that a server reads. */
export const SERVER_VARIABLES = {
  ...COMMON_VARIABLES,
  adminDatabaseUrl: optionalUrl(
    'ADMIN_DATABASE_URL',
    'The database, with a login that has the rights of ppuri_admin. With it the server offers admin.v1 too.',
    POSTGRES_SCHEMES,
  ),
  operatorPage: flag(
    'OPERATOR_PAGE',
    'Whether a server with ADMIN_DATABASE_URL serves the page for operators at /operator of its ops port.',
    true,
  ),
  replica: {
    url: optionalUrl('REPLICA_URL', 'A streaming replica, for lists and lookups.', POSTGRES_SCHEMES),
    connections: whole('REPLICA_CONNECTIONS', 'Connections to the replica.', {
      fallback: 8,
      min: 1,
      max: 1000,
    }),
    timeoutMs: whole(
      'REPLICA_TIMEOUT_MS',
      'How long the replica has for a read, catching up included, before the primary is asked.',
      { fallback: 500, min: 1, max: 10 * SECOND, unit: 'ms' },
    ),
    lagMs: whole('REPLICA_LAG_MS', 'How much of that time the replica has to catch up with the primary.', {
      fallback: 50,
      min: 0,
      max: 10 * SECOND,
      unit: 'ms',
    }),
  },
  grpcHost: text('GRPC_HOST', 'The address on which calls are served.', '127.0.0.1'),
  grpcPort: whole('GRPC_PORT', 'The port of calls; 0 takes any free one.', {
    fallback: 50_051,
    min: 0,
    max: 65_535,
  }),
  // What helps to develop against a server also helps to attack one, and no signature is asked for.
  grpcReflection: flag('GRPC_REFLECTION', 'Whether clients may ask for the contracts, unsigned.', false),
  grpcTls: {
    cert: file(
      'GRPC_TLS_CERT',
      "The server's certificate in PEM, with GRPC_TLS_KEY; without both, connections are in plain text.",
    ),
    key: file('GRPC_TLS_KEY', "The certificate's key in PEM."),
    clientCa: file('GRPC_TLS_CLIENT_CA', 'The authority, in PEM, whose certificates clients must show.'),
  },
  // Shorter than the edge waits for an answer (10 s), so that a call that takes too long gets our answer.
  callTimeoutMs: whole('CALL_TIMEOUT_MS', 'How long a call without a deadline of its own may take.', {
    fallback: 9 * SECOND,
    min: 1,
    max: 10 * MINUTE,
    unit: 'ms',
  }),
  maxInFlight: whole(
    'MAX_IN_FLIGHT',
    'The maximum number of calls in flight; further ones are refused at once. Reads are refused from a quarter of it on.',
    {
      fallback: 2560,
      min: 4,
      max: 100_000,
    },
  ),
  maxConnectionAgeMs: whole(
    'MAX_CONNECTION_AGE_MS',
    'How long a connection is kept before its client is asked to open a new one.',
    { fallback: 30 * MINUTE, min: 100, max: DAY, unit: 'ms' },
  ),
  edgeSecret: secret(
    'EDGE_SECRET',
    'The secret by which a server recognizes the edge, which has it in its environment too. Entries in the cache are signed with it.',
  ),
  keyEncryptionKeys: sealingKeys('KEY_ENCRYPTION_KEYS', SEALED_SECRETS),
  allowedNetworks: networks(
    'ALLOWED_NETWORKS',
    'The networks that calls may come from. Without it they may come from anywhere.',
  ),
  rates: {
    key: rate('KEY_RATE_PER_SECOND', 'an API key', 5000),
    user: rate('USER_RATE_PER_SECOND', 'a user', 100),
    address: rate('IP_RATE_PER_SECOND', "a client's address (IPv6: its /64)", ADDRESS_RATE_PER_SECOND),
  },
  readConnections: whole('READ_CONNECTIONS', 'Connections for reads, and as many to the archive.', {
    fallback: 8,
    min: 1,
    max: 1000,
  }),
  quotas: {
    walletsPerUser: quota('MAX_WALLETS_PER_USER', 'wallets of a user', 'walletsPerUser'),
    payoutDraftsPerUser: quota(
      'MAX_PAYOUT_DRAFTS_PER_USER',
      'drafts of payouts of a user',
      'payoutDraftsPerUser',
    ),
    roomsPerUser: quota('MAX_ROOMS_PER_USER', 'rooms that a user owns', 'roomsPerUser'),
    membersPerRoom: quota('MAX_MEMBERS_PER_ROOM', 'members of a room', 'membersPerRoom'),
    friendsPerUser: quota('MAX_FRIENDS_PER_USER', 'friends and sent requests of a user', 'friendsPerUser'),
    webhooksPerKey: quota(
      'MAX_WEBHOOKS_PER_KEY',
      'webhooks of an API key and of those that it replaced',
      'webhooksPerKey',
    ),
  },
  limitsTimeZone: timeZone(
    'LIMITS_TIME_ZONE',
    'Whose calendar days and months limits on money go by. Policies take it on when one is put through a server of admin.v1.',
    'Asia/Seoul',
  ),
  sprinkleLifetimeMs: whole('SPRINKLE_LIFETIME_MS', 'How long the shares of a sprinkle can be claimed.', {
    fallback: 10 * MINUTE,
    min: 1,
    max: DAY,
    unit: 'ms',
  }),
  // The edge asks for health once a second: it has heard of the end twice before calls are refused.
  stopDrainMs: whole(
    'STOP_DRAIN_MS',
    'How long a server that stops goes on taking calls, so that the edge notices.',
    {
      fallback: 2 * SECOND,
      min: 0,
      max: 10 * MINUTE,
      unit: 'ms',
    },
  ),
};

type Values = ValuesOf<typeof SERVER_VARIABLES>;

/** How a server is set up. */
export interface ServerConfig extends Omit<Values, 'grpcTls'> {
  /** What the server shows to clients, and what it asks of them; plain text when undefined. */
  readonly grpcTls: ServerTls | undefined;
}

/**
 * Reads the settings of a server. Throws a ConfigError that names every fault at once.
 * @param others Names that other programs know.
 */
export function readServerConfig(env: NodeJS.ProcessEnv, others: readonly string[] = []): ServerConfig {
  const { grpcTls, ...values } = readVariables(SERVER_VARIABLES, env, {
    others,
    check: (read) => [...redisAddressFaults(read.redis), ...checkTls(read)],
  });
  const { cert, key, clientCa } = grpcTls;
  return { ...values, grpcTls: cert && key && { cert, key, clientCa } };
}

function checkTls({ grpcTls: { cert, key, clientCa } }: Values): string[] {
  const isComplete = cert !== undefined && key !== undefined;
  if (isComplete || !(cert || key || clientCa)) return [];
  return ['GRPC_TLS_CERT and GRPC_TLS_KEY must be set together'];
}
