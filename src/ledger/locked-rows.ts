// Finds which rows of a batch other sessions hold locked, so that only the calls that need them have to wait.
import type { Pool } from 'pg';
import { plainArray } from '../db/sql.ts';
import type { Call } from '../domain/batch/decide.ts';
import type { ReadSet } from '../domain/batch/ledger-batch.ts';
import type { Random } from '../domain/random.ts';
import { askedBy } from './facet.ts';
import { LOCKED_ACCOUNTS, LOCKED_WITH_OWNERS, lockValues } from './facets/accounts.ts';
import { payoutIds } from './facets/payouts.ts';

/*
 * SKIP LOCKED leaves out the rows that are locked at this moment. The statement's own locks end with it, because it is a
 * transaction of its own. Nothing is written that a standby has to have: without `session`, its end would wait for one that is
 * away, and each time that the ledger asks, one more session would hang. The names are those of rowNames().
 */
const findLocked = (lockedAccounts: string) => `
  WITH session AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
  wanted AS MATERIALIZED (
    SELECT a.id, a.kind, a.currency, a.is_default, a.owner_user_id FROM accounts a WHERE ${lockedAccounts}),
  free AS MATERIALIZED (
    SELECT id FROM session, accounts WHERE id = ANY (ARRAY(SELECT id FROM wanted))
      FOR NO KEY UPDATE OF accounts SKIP LOCKED),
  free_payouts AS MATERIALIZED (
    SELECT id FROM session, payouts WHERE id = ANY ($7::uuid[]) FOR NO KEY UPDATE OF payouts SKIP LOCKED),
  blocked AS MATERIALIZED (SELECT * FROM wanted WHERE id NOT IN (SELECT id FROM free))
  SELECT 'account/' || id AS name, 'accounts' AS "table", id FROM blocked WHERE kind <> 'external'
  UNION ALL SELECT 'external/' || currency, 'accounts', id FROM blocked WHERE kind = 'external'
  UNION ALL SELECT 'default/' || owner_user_id, 'accounts', id FROM blocked WHERE is_default
  UNION ALL SELECT 'sprinkle/' || asked.room_id || '/' || asked.token, 'accounts', blocked.id
    FROM unnest($5::text[], $6::text[]) AS asked (room_id, token),
      LATERAL (SELECT * FROM sprinkle_tokens t WHERE t.room_id = asked.room_id AND t.token = asked.token OFFSET 0) AS t,
      LATERAL (SELECT * FROM sprinkles s WHERE s.id = t.sprinkle_id OFFSET 0) AS s
    JOIN blocked ON blocked.id = s.pot_account_id
  UNION ALL SELECT 'payout/' || id, 'payouts', id FROM payouts
    WHERE id = ANY ($7::uuid[]) AND id NOT IN (SELECT id FROM free_payouts)`;

const FIND_LOCKED = findLocked(LOCKED_ACCOUNTS);

/** While limits are in force, a call that names a wallet needs the default wallet of its owner, too. */
const FIND_LOCKED_WITH_OWNERS = `${findLocked(LOCKED_WITH_OWNERS)}
  UNION ALL SELECT 'account/' || w.id, 'accounts', blocked.id FROM blocked JOIN wanted w USING (owner_user_id)
    WHERE blocked.is_default AND NOT w.is_default`;

/** A row that batches lock. */
export interface LockedRow {
  readonly table: 'accounts' | 'payouts';
  readonly id: string;
}

/**
 * Of all rows that these calls lock, those that other sessions hold locked, by the names that calls have for them. Throws
 * SQLSTATE 55P03 if the whole table is locked. `hasPolicies`: limits are in force.
 */
export async function findLockedRows(
  pool: Pool,
  calls: readonly Call[],
  random: Random,
  hasPolicies: boolean,
): Promise<Map<string, LockedRow>> {
  const asked = askedBy(calls, random);
  const { rows } = await pool.query<LockedRow & { name: string }>({
    name: hasPolicies ? 'find-blocked-with-owners' : 'find-blocked',
    text: hasPolicies ? FIND_LOCKED_WITH_OWNERS : FIND_LOCKED,
    values: [...lockValues(asked, random), plainArray(payoutIds(asked))],
  });
  return new Map(rows.map(({ name, table, id }) => [name, { table, id }]));
}

/** The names of the rows that a call locks, as the call itself names them. */
export function rowNames(readSet: ReadSet): string[] {
  const names = (readSet.wallets ?? []).map((ref) =>
    'walletId' in ref ? `account/${ref.walletId}` : `default/${ref.defaultOf}`,
  );
  for (const id of readSet.accountIds ?? []) names.push(`account/${id}`);
  if (readSet.external) names.push(`external/${readSet.external}`);
  if (readSet.sprinkle) names.push(`sprinkle/${readSet.sprinkle.roomId}/${readSet.sprinkle.token}`);
  if (readSet.payoutId) names.push(`payout/${readSet.payoutId}`);
  return names;
}
