// Counts what the users of a batch have, once their default wallets are locked: whoever makes more of it waits for that.
import type { PoolClient } from 'pg';
import type { OwnedCounts } from '../../domain/owned-book.ts';
import { plainArray } from '../sql.ts';

const COUNT = `
  SELECT user_id,
    (SELECT count(*) FROM accounts a WHERE a.owner_user_id = user_id AND a.kind = 'wallet')::integer AS wallets,
    (SELECT count(*) FROM payouts p WHERE p.owner_user_id = user_id AND p.state = 'draft')::integer AS drafts
  FROM unnest($1::bigint[]) AS wanted (user_id)`;

/** What each of the users has; nothing is sent where there are none. */
export async function readOwned(
  client: PoolClient,
  userIds: ReadonlySet<bigint>,
): Promise<Map<bigint, OwnedCounts>> {
  if (userIds.size === 0) return new Map();
  const { rows } = await client.query<{ user_id: string; wallets: number; drafts: number }>({
    name: 'count-owned',
    text: COUNT,
    values: [plainArray([...userIds])],
  });
  return new Map(
    rows.map((row) => [
      BigInt(row.user_id),
      { walletsPerUser: row.wallets, payoutDraftsPerUser: row.drafts },
    ]),
  );
}
