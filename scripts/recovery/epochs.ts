// Moves on what Redis and running processes go by, so that nothing they remember of the undone future hides or repeats work of the restored present.
import type pg from 'pg';

/** What was moved on. */
export interface MovedEpochs {
  /** Jobs of the outbox that get a new name in the queue and are queued again. */
  readonly jobs: number;
  /** API keys that were revoked after the moment of the restore, and are revoked again. */
  readonly revokedKeys: readonly string[];
}

/** A key that was revoked in the undone future. */
export interface RevokedKey {
  readonly id: string;
  readonly revokedAt: Date;
}

/**
 * Entries of the cache are never read again in a new epoch, and none is trusted until every lease of before is over. No run
 * of Postgres counts as the primary that replicas follow, until a process has met the new one.
 */
const MOVE_CACHE = `
  UPDATE cache_epochs SET epoch = left(replace(gen_random_uuid()::text, '-', ''), 16), redis_run_id = '',
    postgres_started_at = '-infinity', changed_at = clock_timestamp(), usable_from = clock_timestamp() + interval '5 seconds'`;
const MOVE_PRIMARY = `UPDATE primary_run SET started_at = '2000-01-01Z'`;

/**
 * Numbers of the undone future may come to mean other events, so readers of the feed start again. A backup from before migration
 * 0151 has no feed.
 */
const MOVE_FEED = `
  DO $$ BEGIN
    IF to_regclass('public.feed_state') IS NOT NULL THEN
      UPDATE feed_state SET epoch = left(replace(gen_random_uuid()::text, '-', ''), 16);
    END IF;
  END $$`;

/** The queue may know a row's old name as done, failed or under way; under a new one it is new work. */
export const MOVE_QUEUE = `UPDATE outbox SET queue_id = gen_random_uuid(), relayed_at = NULL`;

const REVOKE = `
  UPDATE api_keys SET revoked_at = clock_timestamp() WHERE id = ANY ($1::text[]) AND revoked_at IS NULL RETURNING id`;

const REVOKED = `SELECT id, revoked_at AS "revokedAt" FROM api_keys WHERE revoked_at IS NOT NULL ORDER BY id`;

/** The keys that are revoked in a ledger. */
export async function revokedKeys(client: pg.Client): Promise<RevokedKey[]> {
  return (await client.query<RevokedKey>(REVOKED)).rows;
}

/** Moves everything on, in one transaction. `revoked` are keys that must not come back to life. */
export async function moveEpochs(client: pg.Client, revoked: readonly RevokedKey[]): Promise<MovedEpochs> {
  await client.query('BEGIN');
  await client.query(MOVE_CACHE);
  await client.query(MOVE_PRIMARY);
  await client.query(MOVE_FEED);
  const { rowCount } = await client.query(MOVE_QUEUE);
  const again = await client.query<{ id: string }>(REVOKE, [revoked.map(({ id }) => id)]);
  await client.query('COMMIT');
  return { jobs: rowCount ?? 0, revokedKeys: again.rows.map(({ id }) => id) };
}
