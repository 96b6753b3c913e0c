// Accounts: locked in the order of their ids, read, and opened.
import type { PoolClient, QueryConfig } from 'pg';
import {
  ACCOUNT_COLUMNS,
  type AccountRow,
  type LimitedAccountRow,
  toAccount,
  toLimitedAccount,
  USAGE_COLUMNS,
} from '../../db/rows.ts';
import { plainArray, textArray } from '../../db/sql.ts';
import type { Account } from '../../domain/account.ts';
import { Accounts } from '../../domain/batch/accounts.ts';
import type { BatchContext } from '../../domain/batch/ledger-batch.ts';
import { tokenKey } from '../../domain/batch/sprinkles.ts';
import type { Random } from '../../domain/random.ts';
import { type Asked, distinct, type Facet } from '../facet.ts';
import { insertDated } from '../given-rows.ts';

/** How many equal external accounts each currency has (migration 0002). */
const STRIPES = 16;

/** The ids of the accounts that nearly all batches lock. Its values are the first four of lockValues(). */
const LOCKED_IDS = `$1::uuid[]
    || ARRAY(SELECT id FROM accounts WHERE owner_user_id = ANY ($2::bigint[]) AND is_default)
    || ARRAY(SELECT id FROM accounts WHERE kind = 'external' AND currency = ANY ($3::text[]) AND stripe = $4)`;

/** The pots that tokens stand for. */
const POTS_OF_TOKENS = `
    || ARRAY(SELECT s.pot_account_id FROM unnest($5::text[], $6::text[]) AS wanted (room_id, token),
        LATERAL (SELECT * FROM sprinkle_tokens t WHERE t.room_id = wanted.room_id AND t.token = wanted.token OFFSET 0) AS t,
        LATERAL (SELECT * FROM sprinkles s WHERE s.id = t.sprinkle_id OFFSET 0) AS s)`;

/**
 * The default wallets of the owners of wallets: what limits go by lies there, and whatever brings a user money while limits are
 * in force takes that lock. Wallets that are no default ones have an index of their own (migration 0291), so the others cost little.
 */
const HOMES_OF_WALLETS = `
    || ARRAY(SELECT d.id FROM (
          SELECT w.owner_user_id FROM accounts w WHERE w.id = ANY ($1::uuid[]) AND w.kind = 'wallet' AND NOT w.is_default
          OFFSET 0) AS w,
        LATERAL (SELECT * FROM accounts d WHERE d.owner_user_id = w.owner_user_id AND d.is_default OFFSET 0) AS d)`;

/** A condition on accounts under the alias `a`: those that a batch locks. Its values are those of lockValues(). */
export const LOCKED_ACCOUNTS = `a.id = ANY (${LOCKED_IDS}${POTS_OF_TOKENS})`;

/** The same while limits are in force. */
export const LOCKED_WITH_OWNERS = `a.id = ANY (${LOCKED_IDS}${POTS_OF_TOKENS}${HOMES_OF_WALLETS})`;

const select = (columns: string, condition: string) =>
  `SELECT ${columns} FROM accounts a WHERE ${condition} ORDER BY a.id`;
const LIMITED_COLUMNS = `${ACCOUNT_COLUMNS}, ${USAGE_COLUMNS}`;

/*
 * The lock. Rows are locked in the order of their ids, so two batches that share accounts wait for each other and
 * never in a circle. ORDER BY is applied before FOR NO KEY UPDATE, and ids never change, so the order holds. The
 * subqueries are ARRAY(…) so that they run once, before, and the accounts are found by their primary key. What
 * they look up (default wallets, stripes, the pots that tokens stand for) is checked or immutable: if a token has moved
 * to another sprinkle meanwhile, or a user has another default wallet, isStale() finds it, and the batch runs again. Most batches
 * have no tokens, and Postgres sets up what a statement has for them whether it runs or not.
 */
const locking = (name: string, columns: string, condition: string) => ({
  name,
  text: `${select(columns, condition)} FOR NO KEY UPDATE`,
});
const LOCK = locking('lock-accounts', ACCOUNT_COLUMNS, `a.id = ANY (${LOCKED_IDS})`);
const LOCK_WITH_POTS = locking('lock-accounts-and-pots', ACCOUNT_COLUMNS, LOCKED_ACCOUNTS);
const LOCK_WITH_HOMES = locking(
  'lock-accounts-with-homes',
  LIMITED_COLUMNS,
  `a.id = ANY (${LOCKED_IDS}${HOMES_OF_WALLETS})`,
);
const LOCK_WITH_BOTH = locking('lock-accounts-and-pots-with-homes', LIMITED_COLUMNS, LOCKED_WITH_OWNERS);

/** What CheckTransfer and GetLimits read, without locks. */
const READ_WITH_BOTH = {
  name: 'read-accounts-with-homes',
  text: select(LIMITED_COLUMNS, LOCKED_WITH_OWNERS),
};

/** Accounts start empty; what moves into them is posted afterwards, in the same transaction. */
const INSERT_ACCOUNTS = insertDated<Account>('accounts', ({ accounts }) => accounts.opened(), {
  id: ['uuid', ({ id }) => id],
  kind: ['account_kind', ({ kind }) => kind],
  currency: ['text', ({ currency }) => currency],
  owner_user_id: ['bigint', ({ ownerUserId }) => ownerUserId],
  display_name: ['text', ({ displayName }) => displayName],
});

/** What these calls lock: the values of LOCKED_ACCOUNTS, $1 to $6. */
export function lockValues(asked: readonly Asked[], random: Random): (string | number)[] {
  const [ids, defaultsOf, externals] = [new Set<string>(), new Set<bigint>(), new Set<string>()];
  for (const { readSet } of asked) {
    for (const ref of readSet.wallets ?? []) {
      if ('walletId' in ref) ids.add(ref.walletId);
      else defaultsOf.add(ref.defaultOf);
    }
    for (const id of readSet.accountIds ?? []) ids.add(id);
    if (readSet.external) externals.add(readSet.external);
  }
  const tokens = distinct(asked, ({ sprinkle }) => sprinkle, tokenKey);
  return [
    plainArray([...ids]),
    plainArray([...defaultsOf]),
    plainArray([...externals]),
    random.below(STRIPES),
    textArray(tokens.map(({ roomId }) => roomId)),
    textArray(tokens.map(({ token }) => token)),
  ];
}

/** Locks and reads the accounts that the calls of a batch name. */
export const accounts: Facet<Accounts> = {
  load: async (client, asked, context) => {
    const values = lockValues(asked, context.random);
    const hasTokens = asked.some(({ readSet }) => readSet.sprinkle !== undefined);
    if (context.isCheck) return readLimited(client, { ...READ_WITH_BOTH, values }, context);
    const given = hasTokens ? values : values.slice(0, 4);
    if (context.policies) {
      const statement = hasTokens ? LOCK_WITH_BOTH : LOCK_WITH_HOMES;
      return readLimited(client, { ...statement, values: given }, context);
    }
    const statement = hasTokens ? LOCK_WITH_POTS : LOCK;
    const { rows } = await client.query<AccountRow>({ ...statement, values: given });
    return new Accounts(rows.map(toAccount), context);
  },

  /**
   * Another wallet can be made the default one while the batch waits for the lock of the one that was. A user without any default
   * wallet does not exist, and none of its wallets is among the accounts.
   */
  isStale: (asked, { accounts }) =>
    asked.some(({ readSet }) =>
      readSet.wallets?.some((ref) => 'defaultOf' in ref && accounts.hasLostDefault(ref.defaultOf)),
    ),

  statements: [INSERT_ACCOUNTS],
};

async function readLimited(
  client: PoolClient,
  statement: QueryConfig,
  context: BatchContext,
): Promise<Accounts> {
  const { rows } = await client.query<LimitedAccountRow>(statement);
  return new Accounts(rows.map(toLimitedAccount), context);
}
