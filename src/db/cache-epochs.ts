// Reads and moves the row that says which cache entries may be trusted.
import { InvariantError } from '../domain/error-fields.ts';
import { ANY_NODE, type NodeGuard } from './node-guard.ts';
import type { Pool } from './pool.ts';

/** The row, its times relative to the moment of reading. */
export interface CacheEpoch {
  /** A random name. */
  readonly epoch: string;
  /** The run of Redis that holds the entries; empty when they are of an earlier run of Postgres. */
  readonly redisRunId: string;
  /** Names the moment at which entries were last declared unusable; stays while that is extended or another run of Redis is adopted. */
  readonly changedAt: string;
  /** How long ago that was, in milliseconds. */
  readonly changedMsAgo: number;
  /** After how long they are usable again, in milliseconds; 0 or less when they are. */
  readonly usableInMs: number;
}

/** The row, for all processes. Every method throws when Postgres cannot be reached. */
export interface CacheEpochs {
  /** The highest timeline of Postgres that the process has seen: what was read of an older one counts no more. */
  timeline(): number;
  read(): Promise<CacheEpoch>;
  /**
   * Declares entries unusable from now on, for at least this long: in a new epoch, or by extending a suspension that has two
   * leases left, where that is allowed. An extension counts only if it was made within one lease.
   */
  suspend(forMs: number, asNewEpoch: boolean): Promise<CacheEpoch>;
  /** Moves the cache to another run of Redis, unless the epoch has been moved since; entries are unusable for this long. */
  adopt(redisRunId: string, seenEpoch: string, unusableForMs: number): Promise<CacheEpoch>;
}

const MS = (interval: string) => `(extract(epoch FROM ${interval}) * 1000)::float8`;
const NEW_EPOCH = `left(replace(gen_random_uuid()::text, '-', ''), 16)`;
const ROW = `epoch, CASE WHEN postgres_started_at = pg_postmaster_start_time() THEN redis_run_id ELSE '' END AS redis_run_id,
  changed_at::text AS changed_at, ${MS('clock_timestamp() - changed_at')} AS changed_ms_ago,
  ${MS('usable_from - clock_timestamp()')} AS usable_in_ms`;

const READ = `SELECT ${ROW} FROM cache_epochs`;

/*
 * A process may have read the old usable_from just before, and trusts it for as long as its lease runs. So the time is only
 * extended while that much of it is left; otherwise entries count as usable until now, and a new epoch begins.
 */
const STILL_UNUSABLE = `usable_from > clock_timestamp() + $2 * interval '1 millisecond'`;
const SUSPEND = `
  UPDATE cache_epochs SET
    epoch = CASE WHEN ${STILL_UNUSABLE} THEN epoch ELSE ${NEW_EPOCH} END,
    changed_at = CASE WHEN ${STILL_UNUSABLE} THEN changed_at ELSE clock_timestamp() END,
    usable_from = greatest(usable_from, clock_timestamp() + $1 * interval '1 millisecond')
  RETURNING ${ROW}`;

/** The first epoch of all can begin at once: nobody has ever trusted an entry. */
const ADOPT = `
  UPDATE cache_epochs SET
    epoch = ${NEW_EPOCH},
    redis_run_id = $3,
    postgres_started_at = pg_postmaster_start_time(),
    changed_at = CASE WHEN ${STILL_UNUSABLE} OR epoch = 'none' THEN changed_at ELSE clock_timestamp() END,
    usable_from = CASE WHEN epoch = 'none' THEN usable_from
      ELSE greatest(usable_from, clock_timestamp() + $1 * interval '1 millisecond') END
  WHERE epoch = $4
  RETURNING ${ROW}`;

/** No suspension has that much left. */
const NEVER_MS = 1_000_000_000;

interface Row {
  epoch: string;
  redis_run_id: string;
  changed_at: string;
  changed_ms_ago: number;
  usable_in_ms: number;
}

/** The row, for processes that trust what they read of it for one lease, in milliseconds. `guard` is that of their pools. */
export function createCacheEpochs(
  pool: Pool,
  leaseMs: number,
  guard: Pick<NodeGuard, 'timeline'> = ANY_NODE,
): CacheEpochs {
  const ask = async (name: string, text: string, values: readonly (string | number)[]) => {
    const { rows } = await pool.query<Row>({ name, text, values: [...values] });
    return rows[0] && toEpoch(rows[0]);
  };
  const read = async () => there(await ask('read-cache-epoch', READ, []));
  return {
    timeline: guard.timeline,
    read,
    suspend: async (forMs, asNewEpoch) =>
      there(await ask('suspend-cache', SUSPEND, [forMs, asNewEpoch ? NEVER_MS : 2 * leaseMs])),
    adopt: async (redisRunId, seenEpoch, unusableForMs) =>
      (await ask('adopt-cache', ADOPT, [unusableForMs, 2 * leaseMs, redisRunId, seenEpoch])) ?? read(),
  };
}

function there(row: CacheEpoch | undefined): CacheEpoch {
  if (!row) throw new InvariantError('the row of cache_epochs is gone');
  return row;
}

function toEpoch(row: Row): CacheEpoch {
  return {
    epoch: row.epoch,
    redisRunId: row.redis_run_id,
    changedAt: row.changed_at,
    changedMsAgo: row.changed_ms_ago,
    usableInMs: row.usable_in_ms,
  };
}
