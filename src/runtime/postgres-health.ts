// Whether Postgres is there for calls: it answers on a connection of its own, and on those that calls use.
import { isReadOnly, type Pool } from '../db/pool.ts';
import { createPostgresProbe } from '../db/probe.ts';
import { createPoolPulse } from '../db/pulse.ts';
import { errorText } from '../domain/error-fields.ts';
import { createDependencyWatch, type DependencyWatch } from './dependency-watch.ts';
import type { Resources } from './resources.ts';

const PROBE_EVERY_MS = 500;
/** Longer than a healthy Postgres is ever silent: after a false alarm no process would serve. */
const PROBE_TIMEOUT_MS = 1_000;
/** For this long after a call's failure the connections that are not watched are asked too, in milliseconds. */
const SUSPICION_MS = 5_000;

/** What is watched besides the probe's own connection, and who is notified. */
export interface PostgresHealthOptions {
  readonly databaseUrl: string;
  /** Pools that calls cannot do without, by the names that errors have for them. */
  readonly pools: Readonly<Record<string, Pool>>;
  /** Throws when calls get no answers for another reason; `isSuspected` says whether a call has failed recently. */
  readonly check: (isSuspected: boolean) => Promise<void>;
  readonly onChange: (isThere: boolean) => void;
}

/**
 * Watches Postgres, logs when it goes away and when it is back, and tells `onChange`. The probe's connection is never busy,
 * so that a crowd of calls is not taken for an outage.
 */
export function createPostgresHealth(
  { use, logs, metrics, nodeGuard }: Resources,
  { databaseUrl, pools, check, onChange }: PostgresHealthOptions,
): DependencyWatch {
  const probe = use(createPostgresProbe(databaseUrl, PROBE_TIMEOUT_MS, nodeGuard(databaseUrl)));
  const pulses = Object.entries(pools).map(([name, pool]) => createPoolPulse(pool, name));
  let suspectedUntil = 0;
  let skewMs: number | undefined;
  const watch = use(
    createDependencyWatch({
      ask: async () => {
        skewMs = await probe.ask();
        const isSuspected = performance.now() < suspectedUntil || watch.away() !== undefined;
        await Promise.all([check(isSuspected), ...pulses.map((pulse) => pulse.check())]);
      },
      everyMs: PROBE_EVERY_MS,
      onChange: (away) => {
        if (away) logs.app.error({ reason: errorText(away) }, 'Postgres is away');
        else logs.app.info('Postgres is back');
        onChange(!away);
      },
    }),
  );
  metrics.states.dependency('postgres', () => watch.away() === undefined);
  metrics.states.postgres({
    isReadOnly: () => isReadOnly(watch.away()),
    clockSkewSeconds: () => skewMs && skewMs / 1000,
  });
  const suspect = (failure: Error) => {
    suspectedUntil = performance.now() + SUSPICION_MS;
    watch.suspect(failure);
  };
  return { ...watch, suspect };
}
