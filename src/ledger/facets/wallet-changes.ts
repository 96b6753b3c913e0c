// Changes of wallets: written by a function of the owner, which holds them against what is allowed (migration 0101).
import type { Account } from '../../domain/account.ts';
import type { LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import { WalletChanges } from '../../domain/batch/wallet-changes.ts';
import type { ClosingFacts } from '../../domain/closing.ts';
import { distinct, type Facet, type Statement } from '../facet.ts';
import { givenRows, reading } from '../given-rows.ts';

/** Holds show in held_amount; a draft of a payout has no money. */
const readClosing = reading<string, { id: string; has_open_pots: boolean; open_beside: number }>(
  'read-closing',
  givenRows('closing', { id: ['uuid', (id) => id] }),
  (closing) => `
  SELECT a.id,
    coalesce((SELECT true FROM sprinkles s WHERE s.creator_user_id = a.owner_user_id AND s.source_account_id = a.id
        AND s.closed_at IS NULL LIMIT 1),
      (SELECT true FROM payouts p WHERE p.owner_user_id = a.owner_user_id AND p.source_account_id = a.id
        AND p.state = 'running' LIMIT 1), false) AS has_open_pots,
    (SELECT count(*) FROM accounts b WHERE b.owner_user_id = a.owner_user_id AND b.kind = 'wallet' AND b.id <> a.id
      AND b.closed_at IS NULL)::integer AS open_beside
  FROM ${closing}, LATERAL (SELECT * FROM accounts a WHERE a.id = closing.id OFFSET 0) AS a
  WHERE a.kind = 'wallet'`,
);

const CHANGED = givenRows<Account>('changed', {
  id: ['uuid', ({ id }) => id],
  display_name: ['text', ({ displayName }) => displayName],
  is_default: ['boolean', ({ isDefault }) => isDefault],
  closed_at: ['timestamptz', ({ restriction }) => restriction?.closedAt],
});

const CHANGE_WALLETS: Statement<Account> = {
  name: 'change-wallets',
  text: `SELECT change_wallets(${CHANGED.parameters})`,
  rows: ({ walletChanges }) => walletChanges.changed(),
  values: CHANGED.values,
};

/** Reads what closing wallets depends on. Its statement comes after the transfers: what they emptied can be closed with them. */
export const walletChanges: Facet<WalletChanges> = {
  load: async (client, asked, context) => {
    const ids = distinct(asked, ({ closing }) => closing);
    const rows = await readClosing(client, ids);
    const facts = rows.map((row): [string, ClosingFacts] => [
      row.id,
      { hasOpenPots: row.has_open_pots, openBeside: row.open_beside },
    ]);
    // It looks at the accounts only once calls are decided, and by then they are there.
    return new WalletChanges(new Map(facts), context as LedgerBatch);
  },
  statements: [CHANGE_WALLETS],
};
