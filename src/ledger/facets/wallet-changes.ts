// Changes of wallets: written by a function of the owner, which holds them against what is allowed (migration 0101).
import type { PoolClient } from 'pg';
import { plainArray, textArray, timestamptz } from '../../db/sql.ts';
import type { Account } from '../../domain/account.ts';
import type { BatchContext, LedgerBatch, ReadSet } from '../../domain/batch/ledger-batch.ts';
import { WalletChanges } from '../../domain/batch/wallet-changes.ts';
import type { ClosingFacts } from '../../domain/closing.ts';
import type { Facet, Statement } from '../facet.ts';

/** Holds show in held_amount; a draft of a payout has no money. */
const READ_CLOSING = `
  SELECT a.id,
    coalesce((SELECT true FROM sprinkles s WHERE s.creator_user_id = a.owner_user_id AND s.source_account_id = a.id
        AND s.closed_at IS NULL LIMIT 1),
      (SELECT true FROM payouts p WHERE p.owner_user_id = a.owner_user_id AND p.source_account_id = a.id
        AND p.state = 'running' LIMIT 1), false) AS has_open_pots,
    (SELECT count(*) FROM accounts b WHERE b.owner_user_id = a.owner_user_id AND b.kind = 'wallet' AND b.id <> a.id
      AND b.closed_at IS NULL)::integer AS open_beside
  FROM unnest($1::uuid[]) AS closing (id), LATERAL (SELECT * FROM accounts a WHERE a.id = closing.id OFFSET 0) AS a
  WHERE a.kind = 'wallet'`;

const CHANGE_WALLETS: Statement<Account> = {
  name: 'change-wallets',
  text: 'SELECT change_wallets($1, $2, $3, $4)',
  rows: ({ walletChanges }) => walletChanges.changed(),
  values: (wallets) => [
    plainArray(wallets.map(({ id }) => id)),
    textArray(wallets.map(({ displayName }) => displayName)),
    plainArray(wallets.map(({ isDefault }) => String(isDefault))),
    plainArray(wallets.map(({ restriction }) => closingOf(restriction?.closedAt))),
  ],
};

const closingOf = (closedAt: number | undefined) => (closedAt === undefined ? 'NULL' : timestamptz(closedAt));

const STATEMENTS = [CHANGE_WALLETS];

/** Reads what closing wallets depends on. Its statement comes after the transfers: what they emptied can be closed with them. */
export class WalletChangesFacet implements Facet<WalletChanges> {
  readonly #closing = new Set<string>();
  readonly statements = STATEMENTS;

  collect({ closing }: ReadSet): void {
    if (closing) this.#closing.add(closing);
  }

  load(client: PoolClient, context: BatchContext): WalletChanges | Promise<WalletChanges> {
    // It looks at the accounts only once calls are decided, and by then they are there.
    const batch = context as LedgerBatch;
    return this.#closing.size === 0 ? new WalletChanges(new Map(), batch) : this.#read(client, batch);
  }

  async #read(client: PoolClient, batch: LedgerBatch): Promise<WalletChanges> {
    type Row = { id: string; has_open_pots: boolean; open_beside: number };
    const values = [plainArray([...this.#closing])];
    const { rows } = await client.query<Row>({ name: 'read-closing', text: READ_CLOSING, values });
    const facts = rows.map((row): [string, ClosingFacts] => [
      row.id,
      { hasOpenPots: row.has_open_pots, openBeside: row.open_beside },
    ]);
    return new WalletChanges(new Map(facts), batch);
  }
}
