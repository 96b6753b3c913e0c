// Fills a database with wallets to move money between.
import pg from 'pg';

/** The users' ids. */
export const USERS = Array.from({ length: 1000 }, (_, index) => 100_001 + index);

/** Makes the users with their wallets; each starts with nothing and gets its money from the bench's deposits. */
export async function fillPeople(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(
      `WITH made AS (INSERT INTO users (id, display_name) SELECT id, 'User ' || id FROM unnest($1::bigint[]) AS id RETURNING id)
       INSERT INTO accounts (id, kind, currency, owner_user_id, is_default, created_at, updated_at)
       SELECT gen_random_uuid(), 'wallet', 'KRW', id, true, now(), now() FROM made`,
      [USERS],
    );
  } finally {
    await client.end();
  }
}
