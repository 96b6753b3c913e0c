// Accounts: locked in the order of their ids, read, and opened.
import type { PoolClient } from 'pg';
import { ACCOUNT_COLUMNS, type AccountRow, toAccount } from '../../db/rows.ts';
import { plainArray, textArray, timestamptz } from '../../db/sql.ts';
import type { Account } from '../../domain/account.ts';
import { Accounts } from '../../domain/batch/accounts.ts';
import type { BatchContext, ReadSet } from '../../domain/batch/ledger-batch.ts';
import type { Random } from '../../domain/random.ts';
import type { Facet, Statement } from '../facet.ts';

/** How many equal external accounts each currency has (migration 0002). */
const STRIPES = 16;

/** A condition on accounts under the alias `a`: those that a batch locks. Its values are those of lockValues(). */
export const LOCKED_ACCOUNTS = `a.id = ANY (
    $1::uuid[]
    || ARRAY(SELECT id FROM accounts WHERE owner_user_id = ANY ($2::bigint[]) AND is_default)
    || ARRAY(SELECT id FROM accounts WHERE kind = 'external' AND currency = ANY ($3::text[]) AND stripe = $4)
    || ARRAY(SELECT s.pot_account_id FROM unnest($5::text[], $6::text[]) AS wanted (room_id, token)
             JOIN sprinkle_tokens USING (room_id, token) JOIN sprinkles s ON s.id = sprinkle_id)
  )`;

/*
 * The lock. Rows are locked in the order of their ids, so two batches that share accounts wait for each other and
 * never in a circle. ORDER BY is applied before FOR NO KEY UPDATE, and ids never change, so the order holds. The
 * subqueries are ARRAY(…) so that they run once, before, and the accounts are found by their primary key. What
 * they look up (default wallets, stripes, the pots that tokens stand for) is checked or immutable: if a token has moved
 * to another sprinkle meanwhile, the sprinkles facet finds a pot that is not locked, and the batch runs again.
 */
const LOCK_ACCOUNTS = `
  SELECT ${ACCOUNT_COLUMNS} FROM accounts a WHERE ${LOCKED_ACCOUNTS} ORDER BY a.id FOR NO KEY UPDATE`;

/** Accounts start empty; what moves into them is posted afterwards, in the same transaction. */
const INSERT_ACCOUNTS: Statement<Account> = {
  name: 'insert-accounts',
  text: `
  INSERT INTO accounts (id, kind, currency, owner_user_id, display_name, created_at)
  SELECT new.*, $6 FROM unnest($1::uuid[], $2::account_kind[], $3::text[], $4::bigint[], $5::text[])
    AS new (id, kind, currency, owner_user_id, display_name)`,
  rows: ({ accounts }) => accounts.opened(),
  values: (opened, { at }) => [
    plainArray(opened.map(({ id }) => id)),
    plainArray(opened.map(({ kind }) => kind)),
    plainArray(opened.map(({ currency }) => currency)),
    plainArray(opened.map(({ ownerUserId }) => ownerUserId ?? 'NULL')),
    textArray(opened.map(({ displayName }) => displayName)),
    timestamptz(at),
  ],
};

const STATEMENTS = [INSERT_ACCOUNTS];

/** Locks and reads the accounts that the calls of a batch name. */
export class AccountsFacet implements Facet<Accounts> {
  readonly #ids = new Set<string>();
  readonly #defaultWalletsOf = new Set<bigint>();
  readonly #externals = new Set<string>();
  readonly #tokens = new Map<string, { readonly roomId: string; readonly token: string }>();
  readonly statements = STATEMENTS;

  collect(readSet: ReadSet): void {
    for (const ref of readSet.wallets ?? []) {
      if ('walletId' in ref) this.#ids.add(ref.walletId);
      else this.#defaultWalletsOf.add(ref.defaultOf);
    }
    for (const id of readSet.accountIds ?? []) this.#ids.add(id);
    if (readSet.external) this.#externals.add(readSet.external);
    if (readSet.sprinkle) {
      const { roomId, token } = readSet.sprinkle;
      this.#tokens.set(`${roomId}/${token}`, { roomId, token });
    }
  }

  async load(client: PoolClient, context: BatchContext): Promise<Accounts> {
    const { rows } = await client.query<AccountRow>({
      name: 'lock-accounts',
      text: LOCK_ACCOUNTS,
      values: this.lockValues(context.random),
    });
    return new Accounts(rows.map(toAccount), context);
  }

  /** The values of LOCKED_ACCOUNTS, $1 to $6. */
  lockValues(random: Random): (string | number)[] {
    const tokens = [...this.#tokens.values()];
    return [
      plainArray([...this.#ids]),
      plainArray([...this.#defaultWalletsOf]),
      plainArray([...this.#externals]),
      random.below(STRIPES),
      textArray(tokens.map(({ roomId }) => roomId)),
      textArray(tokens.map(({ token }) => token)),
    ];
  }
}
