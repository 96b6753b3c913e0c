// Whether a process can do its work: in full, without what it only goes faster with, or not at all.
import { errorText } from '../domain/error-fields.ts';
import type { BreakerState } from '../resilience/index.ts';

/** Where a process is in its life. */
export type Phase = 'starting' | 'serving' | 'stopping';

/** What readiness follows from. */
export interface ReadinessInputs {
  readonly phase: Phase;
  /** Why Postgres is taken to be away; undefined while it is there. */
  readonly postgresAway: Error | undefined;
  readonly isRedisConnected: boolean;
  /** The state of each breaker before Redis, by its name. */
  readonly redisBreakers: Readonly<Record<string, BreakerState>>;
  /** The state of the breaker before the replica; undefined where there is no replica. */
  readonly replicaBreaker: BreakerState | undefined;
}

/** Something that is not there, and how that is known. */
export interface Degradation {
  readonly dependency: 'postgres' | 'redis' | 'replica' | 'process';
  readonly reason: string;
}

/** What /readyz answers, as JSON. */
export type Readiness = (
  | { readonly status: 'ready' }
  | { readonly status: 'degraded'; readonly degraded: readonly Degradation[] }
  | { readonly status: 'not ready'; readonly away: readonly Degradation[] }
) & { readonly breakers: Readonly<Record<string, BreakerState>> };

/** A process needs Postgres for every call. Without Redis it works on, degraded. */
export function readinessOf(inputs: ReadinessInputs): Readiness {
  const { phase, postgresAway, isRedisConnected, redisBreakers, replicaBreaker } = inputs;
  const breakers = { ...redisBreakers, ...(replicaBreaker && { replica: replicaBreaker }) };
  const away: Degradation[] = [];
  if (phase !== 'serving') away.push({ dependency: 'process', reason: `it is ${phase}` });
  if (postgresAway) away.push({ dependency: 'postgres', reason: errorText(postgresAway) });
  if (away.length > 0) return { status: 'not ready', away, breakers };
  const degraded: Degradation[] = Object.entries(breakers)
    .filter(([, state]) => state !== 'closed')
    .map(
      ([name, state]) =>
        ({
          dependency: name === 'replica' ? 'replica' : 'redis',
          reason: `the breaker ${name} is ${state}`,
        }) as const,
    );
  if (!isRedisConnected) degraded.push({ dependency: 'redis', reason: 'there is no connection' });
  return degraded.length > 0 ? { status: 'degraded', degraded, breakers } : { status: 'ready', breakers };
}
