// What the worker asks of the feed: to seal what was committed, to forget what is old, and how far behind it is.
import type { Pool, Reader } from '../pool.ts';

/** Numbers what was committed since the last seal; returns how many entries that is, 0 while another worker seals. */
export async function sealFeed(pool: Pool): Promise<number> {
  const statement = { name: 'seal-feed', text: 'SELECT seal_feed() AS sealed', values: [] };
  return Number((await pool.query<{ sealed: string }>(statement)).rows[0]?.sealed ?? 0);
}

const LAG = `
  SELECT coalesce(extract(epoch FROM clock_timestamp() - oldest_unsealed()), 0)::float8 AS lag`;

/** For how long what waits longest has not been sealed, in seconds; 0 where nothing waits. */
export async function sealLagSeconds(db: Reader): Promise<number> {
  const { rows } = await db.query<{ lag: number }>({ name: 'seal-lag', text: LAG, values: [] });
  return Math.max(0, rows[0]?.lag ?? 0);
}

/** Forgets events that were sealed 30 days ago; returns how many announcements were deleted, `atMost` in one call. */
export async function purgeEvents(pool: Pool, atMost: number): Promise<number> {
  const { rows } = await pool.query<{ gone: number }>('SELECT purge_events($1) AS gone', [atMost]);
  return rows[0]?.gone ?? 0;
}

/** Announces API keys that expire within 14 days, each once; returns how many. */
export async function announceExpiringKeys(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ announced: number }>('SELECT announce_expiring_keys() AS announced');
  return rows[0]?.announced ?? 0;
}
