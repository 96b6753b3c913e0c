// Quotas: how many wallets and drafts users have, counted once their default wallets are locked.
//
// Every call that creates more of them locks the same default wallet, so counts of one user are taken one after the other.
import { QuotaCounts } from '../../domain/batch/quotas.ts';
import { distinct, type Facet } from '../facet.ts';
import { givenRows, reading } from '../given-rows.ts';

const countOwned = reading<bigint, { user_id: string; wallets: number; drafts: number }>(
  'count-owned',
  givenRows('wanted', { user_id: ['bigint', (userId) => userId] }),
  (wanted) => `
  SELECT user_id,
    (SELECT count(*) FROM accounts a WHERE a.owner_user_id = user_id AND a.kind = 'wallet')::integer AS wallets,
    (SELECT count(*) FROM payouts p WHERE p.owner_user_id = user_id AND p.state = 'draft')::integer AS drafts
  FROM ${wanted}`,
);

/** Counts what users have. */
export const quotas: Facet<QuotaCounts> = {
  load: async (client, asked, context) => {
    const userIds = distinct(asked, ({ quotasOf }) => quotasOf);
    const rows = await countOwned(client, userIds);
    const counts = rows.map(
      ({ user_id, wallets, drafts }) =>
        [BigInt(user_id), { walletsPerUser: wallets, payoutDraftsPerUser: drafts }] as const,
    );
    return new QuotaCounts(new Map(counts), context);
  },
  statements: [],
};
