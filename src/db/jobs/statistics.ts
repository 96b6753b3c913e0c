// Computes and stores the statistics of an hour or a day.
import type { Pool } from 'pg';
import type { Period } from '../../domain/statistics.ts';
import { SETTLED_AFTER_MS } from '../timeouts.ts';
import { inTransaction } from '../transaction.ts';

/** A period that is over. */
export interface PastPeriod {
  readonly from: string;
  readonly to: string;
}

/** A day's rows are read in one statement. */
const STATEMENT_TIMEOUT = '30min';
const SETTLED_AFTER = `${SETTLED_AFTER_MS} * interval '1 millisecond'`;
/** The most periods of one run; the next run continues. */
const MAX_PERIODS = 1_000;

/** From the period after the last one kept, or that of the oldest transfer, to the last one that is over. */
const MISSING = `
  SELECT step::text AS from, date_add(step, ('1 ' || $1)::interval, 'UTC')::text AS to
  FROM generate_series(
    coalesce((SELECT date_add(max(starts_at), ('1 ' || $1)::interval, 'UTC') FROM statistics
        WHERE period = $1 AND measure = 'active_users'),
      (SELECT date_trunc($1, min(created_at), 'UTC') FROM transfers)),
    date_subtract(date_trunc($1, clock_timestamp() - ${SETTLED_AFTER}, 'UTC'), ('1 ' || $1)::interval, 'UTC'),
    ('1 ' || $1)::interval, 'UTC') AS step LIMIT ${MAX_PERIODS}`;

/** A sprinkle ends when its last share is claimed, or else with its time. */
const ended = `
  SELECT cardinality(shares) AS offered, claimed_count AS claimed FROM sprinkles
  WHERE least(closed_at, expires_at) >= $2 AND least(closed_at, expires_at) < $3`;
const emptied = `
  SELECT extract(epoch FROM closed_at - created_at) * 1000 AS ms FROM sprinkles
  WHERE closed_at >= $2 AND closed_at < $3 AND claimed_count = cardinality(shares)`;
const made = `SELECT * FROM sprinkles WHERE created_at >= $2 AND created_at < $3`;
const sampled = (measure: string) =>
  `SELECT label, sum(value) AS value FROM samples WHERE at >= $2 AND at < $3 AND measure = '${measure}' GROUP BY label`;
/** The upper end of the bucket in which the share of all calls is reached. */
const latency = (quantile: number) => `
  SELECT min(label::float8) AS value FROM (
    SELECT label, sum(value) OVER (ORDER BY label::float8) AS up_to, sum(value) OVER () AS of
    FROM (${sampled('latency')}) AS buckets) AS reached WHERE up_to >= of * ${quantile} HAVING count(*) > 0`;

/** What a worker pays back is done by no user, and has no key; a user's own refund, void or return of a gift has one. */
const BY_USERS = `(kind NOT IN ('refund', 'void', 'gift_return') OR key_id IS NOT NULL) AND kind <> 'reversal'`;

const moved = `FROM transfers WHERE created_at >= $2 AND created_at < $3`;
/**
 * What the period's transfers say, each read by itself and once: where transfers are distributed over machines
 * (docs/growth.md), each machine counts its own, and only what they counted travels.
 */
const COUNTED = `
  kinds AS MATERIALIZED (
    SELECT kind::text AS kind, currency, count(*) AS transfers, sum(amount) AS amount ${moved} GROUP BY kind, currency),
  touched AS MATERIALIZED (
    SELECT debit_account_id AS id ${moved} AND ${BY_USERS} UNION SELECT credit_account_id ${moved} AND ${BY_USERS})`;

const FIGURES: readonly string[] = [
  `SELECT 'active_users' AS measure, '' AS label, '' AS currency, count(DISTINCT a.owner_user_id) AS value
   FROM touched JOIN accounts a USING (id)`,
  `SELECT 'transfers', kind, '', sum(transfers) FROM kinds GROUP BY kind`,
  `SELECT 'volume', kind, currency, amount FROM kinds`,
  `SELECT 'sprinkles', '', '', count(*) FROM (${made}) AS s`,
  `SELECT 'shares_offered', '', '', coalesce(sum(offered), 0) FROM (${ended}) AS s`,
  `SELECT 'shares_claimed', '', '', coalesce(sum(claimed), 0) FROM (${ended}) AS s`,
  `SELECT 'claim_rate', '', '', sum(claimed)::float8 / sum(offered) FROM (${ended}) AS s HAVING count(*) > 0`,
  `SELECT 'sprinkles_emptied', '', '', count(*) FROM (${emptied}) AS s`,
  ...[50, 95].map(
    (
      quantile,
    ) => `SELECT 'time_to_empty_p${quantile}_ms', '', '', percentile_disc(0.${quantile}) WITHIN GROUP (ORDER BY ms)
      FROM (${emptied}) AS s HAVING count(*) > 0`,
  ),
  `(SELECT 'room_sprinkles', room_id, '', count(*) FROM (${made}) AS s GROUP BY room_id ORDER BY 4 DESC, 2 LIMIT 20)`,
  `(SELECT 'room_volume', room_id, currency, sum(amount) FROM (${made}) AS s GROUP BY room_id, currency
    ORDER BY 4 DESC, 2 LIMIT 20)`,
  `SELECT 'calls', label, '', value FROM (${sampled('calls')}) AS c`,
  ...[0.5, 0.95, 0.99].map(
    (quantile) => `SELECT 'latency_p${quantile * 100}_ms', '', '', value FROM (${latency(quantile)}) AS l`,
  ),
  `SELECT 'cache_hit_rate', h.label, '', h.value / (h.value + coalesce(m.value, 0))
   FROM (${sampled('cache_hits')}) AS h LEFT JOIN (${sampled('cache_misses')}) AS m USING (label)
   WHERE h.value + coalesce(m.value, 0) > 0`,
];

const KEEP = `
  INSERT INTO statistics (period, starts_at, measure, label, currency, value)
  WITH ${COUNTED}
  SELECT $1, $2, figures.* FROM (${FIGURES.join('\nUNION ALL ')}) AS figures (measure, label, currency, value)
  WHERE $3::timestamptz IS NOT NULL`;

/** The periods that are over and have no statistics yet, oldest first. */
export async function missingPeriods(pool: Pool, period: Period): Promise<PastPeriod[]> {
  return (await pool.query<PastPeriod>(MISSING, [period])).rows;
}

/** Computes and stores a period's statistics, in place of earlier ones. */
export function storeStatistics(pool: Pool, period: Period, { from, to }: PastPeriod): Promise<void> {
  return inTransaction(pool, async (client) => {
    await client.query(`SET LOCAL statement_timeout = '${STATEMENT_TIMEOUT}'`);
    // Two workers at the same period: the second one waits and replaces what the first one stored.
    await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`statistics ${period} ${from}`]);
    await client.query('DELETE FROM statistics WHERE period = $1 AND starts_at = $2', [period, from]);
    await client.query(KEEP, [period, from, to]);
  });
}

/** Removes samples that all figures have been worked out of. */
export async function purgeSamples(pool: Pool, olderThanDays: number): Promise<void> {
  await pool.query(`DELETE FROM samples WHERE at < clock_timestamp() - $1 * interval '1 day'`, [
    olderThanDays,
  ]);
}
