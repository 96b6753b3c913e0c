// The ops port of a server: health, metrics and, where it has a login for admin.v1, the operator's page.
import { isUnreachable } from '../db/pool.ts';
import type { AuditTrail } from '../domain/act.ts';
import { errorText } from '../domain/error-fields.ts';
import { Refusal } from '../domain/refusal.ts';
import { readNetworks } from '../keys/index.ts';
import {
  createOperatorPage,
  createSessions,
  type ProcessState,
  SESSION_TIMES,
  type SessionTimes,
} from '../operator/index.ts';
import { createOpsServer, type Readiness, type Resources } from '../runtime/index.ts';
import type { AdminCore, Core } from '../usecases/index.ts';
import type { ServerKeys } from './api-keys.ts';
import type { ServerConfig } from './config.ts';

const RETRY_AFTER_MS = 1_000;

/** What the pages read and change. */
export interface OpsParts {
  readonly core: Core;
  /** Without it there is no operator's page. */
  readonly admin: AdminCore | undefined;
  readonly keys: ServerKeys;
  readonly trail: AuditTrail;
  readonly readiness: () => Readiness;
  /** SESSION_TIMES when left out. */
  readonly sessionTimes?: SessionTimes | undefined;
}

/** Starts the ops port. */
export async function createOps(
  resources: Resources,
  config: ServerConfig,
  parts: OpsParts,
): Promise<{ readonly port: number }> {
  const { metrics, use } = resources;
  const more = createServersPage(resources, config, parts);
  const { opsHost: host, opsPort: port } = config;
  return use(await createOpsServer({ host, port, metrics, readiness: parts.readiness, more }));
}

function createServersPage(
  { logs, use }: Resources,
  config: ServerConfig,
  { core, admin, keys, trail, readiness, sessionTimes: times = SESSION_TIMES }: OpsParts,
): ReturnType<typeof createOperatorPage> | undefined {
  if (!admin || !config.operatorPage) return undefined;
  const sessions = use(
    createSessions({
      redis: config.redis,
      sealingKeys: config.keyEncryptionKeys,
      times,
      onError: (error) => logs.app.warn({ reason: errorText(error) }, 'sessions: Redis cannot be reached'),
    }),
  );
  return createOperatorPage({
    ...{ core, admin, ring: keys.ring, trail, sessions },
    state: { dependencies: () => dependenciesOf(readiness(), config), limits: limitsOf(config) },
    allowsGlobally: readNetworks(config.allowedNetworks, 'ALLOWED_NETWORKS'),
    explain: (error) =>
      isUnreachable(error) ? new Refusal('UNAVAILABLE', { retryAfterMs: RETRY_AFTER_MS }) : undefined,
    report: (error, what) => logs.app.error({ err: error, what }, 'a page for operators failed'),
  });
}

/** As /readyz says it. */
function dependenciesOf(readiness: Readiness, { replica, archiveDatabaseUrl }: ServerConfig) {
  const { status, breakers } = readiness;
  const faults = 'away' in readiness ? readiness.away : 'degraded' in readiness ? readiness.degraded : [];
  const stateOf = (name: string) => {
    const reasons = faults.filter(({ dependency }) => dependency === name).map(({ reason }) => reason);
    return { isWell: reasons.length === 0, state: reasons.join('; ') || 'there' };
  };
  const breakerOf = (name: string) => ({
    name: `Breaker ${name}`,
    state: breakers[name] ?? '',
    isWell: breakers[name] === 'closed',
  });
  return [
    { name: 'This server', state: status, isWell: status === 'ready' },
    { name: 'Postgres', ...stateOf('postgres') },
    { name: 'Redis', ...stateOf('redis') },
    replica.url === undefined
      ? { name: 'Replica', state: 'none is set up here (REPLICA_URL)', isWell: true }
      : { name: 'Replica', ...stateOf('replica') },
    {
      name: 'Archive',
      state: archiveDatabaseUrl === undefined ? 'none is set up here' : 'set up; asked only for old months',
      isWell: true,
    },
    ...Object.keys(breakers).map(breakerOf),
  ];
}

function limitsOf(config: ServerConfig): ProcessState['limits'] {
  const { rates, quotas } = config;
  return [
    ['KEY_RATE_PER_SECOND', `${rates.key} cost units a second`],
    ['USER_RATE_PER_SECOND', `${rates.user} cost units a second`],
    ['IP_RATE_PER_SECOND', `${rates.address} cost units a second`],
    ['MAX_IN_FLIGHT', `${config.maxInFlight} calls, a quarter of it for reads`],
    ['CALL_TIMEOUT_MS', `${config.callTimeoutMs} ms`],
    ['STATEMENT_TIMEOUT_MS', `${config.statementTimeoutMs} ms`],
    ['SPRINKLE_LIFETIME_MS', `${config.sprinkleLifetimeMs} ms`],
    ['MAX_WALLETS_PER_USER', String(quotas.walletsPerUser)],
    ['MAX_PAYOUT_DRAFTS_PER_USER', String(quotas.payoutDraftsPerUser)],
    ['MAX_ROOMS_PER_USER', String(quotas.roomsPerUser)],
    ['MAX_MEMBERS_PER_ROOM', String(quotas.membersPerRoom)],
    ['MAX_FRIENDS_PER_USER', String(quotas.friendsPerUser)],
  ].map(([name = '', value = '']) => ({ name, value }));
}
