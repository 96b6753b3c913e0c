// What wallets have moved, counted from their transfers, and what users have besides the wallets that a batch has locked.

import type { Account } from '../../domain/account.ts';
import { type Elsewhere, NOTHING_ELSE, ownerKey } from '../../domain/batch/limits.ts';
import type { Calendar } from '../../domain/calendar.ts';
import type { Currency } from '../../domain/currency.ts';
import type { Micros } from '../../domain/time.ts';
import type { Usage } from '../../domain/usage.ts';
import type { Reader } from '../pool.ts';
import { toUsage } from '../rows.ts';
import { microsOf, plainArray, timestamptz } from '../sql.ts';

/**
 * How many transfers on either side of a wallet are counted while it is locked: a microsecond for each. Where there are more,
 * countAhead() has to count the wallet first.
 */
const MOST_UNDER_LOCK = 5_000;
/** The same of a wallet that is not locked: what is counted of it is not kept, and so counted again by each batch. */
const MOST_ELSEWHERE = 500;

const COUNT = `
  SELECT asked.id, count_usage(asked.id, asked.day, asked.month, ${MOST_UNDER_LOCK}) AS usage
  FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) AS asked (id, day, month)`;

/** What wallets have moved, as far as that can be counted under their locks. */
export interface CountedUsages {
  readonly usages: readonly { readonly id: string; readonly usage: Usage }[];
  readonly uncounted: readonly UncountedWallet[];
}

/** A wallet with too many transfers to be counted while it is locked, and the first moments of the day and the month. */
export interface UncountedWallet {
  readonly id: string;
  readonly day: Micros;
  readonly month: Micros;
}

/** Counts what wallets have moved on the day and in the month of a moment each. The caller holds their locks. */
export async function countUsages(
  db: Reader,
  wallets: readonly { readonly id: string; readonly moment: Micros }[],
  calendar: Calendar,
): Promise<CountedUsages> {
  const asked = wallets.map(({ id, moment }) => uncountedAt(id, moment, calendar));
  const { rows } = await db.query<{ id: string; usage: string | null }>({
    name: 'count-usages',
    text: COUNT,
    values: [
      plainArray(asked.map(({ id }) => id)),
      plainArray(asked.map(({ day }) => timestamptz(day))),
      plainArray(asked.map(({ month }) => timestamptz(month))),
    ],
  });
  const counted = new Map(rows.map(({ id, usage }) => [id, toUsage(usage)]));
  return {
    usages: asked.flatMap(({ id }) => {
      const usage = counted.get(id);
      return usage ? [{ id, usage }] : [];
    }),
    uncounted: asked.filter(({ id }) => counted.get(id) === undefined),
  };
}

function uncountedAt(id: string, moment: Micros, calendar: Calendar): UncountedWallet {
  return { id, day: calendar.day(moment).start, month: calendar.month(moment).start };
}

/**
 * Counts a wallet further, by at most this many transfers on either side and without its lock, and keeps how far it came.
 * Returns whether it came to the last transfer. Throws what Postgres says.
 */
export async function countAhead(
  db: Reader,
  { id, day, month }: UncountedWallet,
  most: number,
): Promise<boolean> {
  const { rows } = await db.query<{ is_done: boolean }>({
    name: 'count-ahead',
    text: 'SELECT count_ahead($1, $2, $3, $4) AS is_done',
    values: [id, timestamptz(day), timestamptz(month), most],
  });
  return rows[0]?.is_done === true;
}

/** A usage that was not counted for this day and month is counted again, unless the wallet's last transfer is older. */
const OTHER_WALLETS = `
  SELECT a.id, a.owner_user_id AS user_id, a.currency, a.balance::numeric + a.held_amount AS held,
    ${microsOf('a.updated_at')} AS updated_at, a.owner_user_id = ANY ($5::bigint[]) AS is_counted,
    CASE WHEN a.owner_user_id <> ALL ($5::bigint[]) THEN NULL
      WHEN a.usage_transfers = a.version - a.hold_changes AND a.usage IS NOT NULL
        AND (split_part(a.usage, ':', 1) = ${microsOf('$3::timestamptz')}::text OR a.updated_at < $3)
        AND (split_part(a.usage, ':', 2) = ${microsOf('$4::timestamptz')}::text OR a.updated_at < $4)
      THEN a.usage ELSE count_usage(a.id, $3, $4, ${MOST_ELSEWHERE}) END AS usage
  FROM accounts a WHERE a.owner_user_id = ANY ($1::bigint[]) AND a.kind = 'wallet' AND a.id <> ALL ($2::uuid[])`;

const POTS = `
  SELECT user_id, currency, coalesce(sum(balance) FILTER (WHERE id <> ALL ($2::uuid[])), 0) AS held,
    coalesce(array_agg(id) FILTER (WHERE id = ANY ($2::uuid[])), '{}')::text[] AS pot_ids
  FROM (
    SELECT filled.user_id, p.currency, p.balance, p.id FROM (
      SELECT creator_user_id AS user_id, pot_account_id FROM sprinkles
        WHERE creator_user_id = ANY ($1::bigint[]) AND closed_at IS NULL
      UNION ALL SELECT owner_user_id, pot_account_id FROM payouts
        WHERE owner_user_id = ANY ($1::bigint[]) AND state = 'running') AS filled,
      LATERAL (SELECT * FROM accounts p WHERE p.id = filled.pot_account_id OFFSET 0) AS p) AS pots
  GROUP BY user_id, currency`;

interface WalletRow {
  readonly id: string;
  readonly user_id: string;
  readonly currency: Currency;
  readonly held: string;
  readonly updated_at: string;
  readonly is_counted: boolean;
  readonly usage: string | null;
}

interface PotRow {
  readonly user_id: string;
  readonly currency: Currency;
  readonly held: string;
  readonly pot_ids: string[];
}

/** What users have besides the wallets that a batch has locked, under the ownerKey() of each currency. */
export interface ElsewhereOfUsers {
  readonly elsewhere: ReadonlyMap<string, Elsewhere>;
  readonly uncounted: readonly (UncountedWallet & { readonly ownerUserId: bigint })[];
}

/**
 * What the users `all` have in each currency, and what those `counted` have moved; `locked` are the accounts whose locks the
 * caller holds. The default wallets of the users must be among them: then none of it grows meanwhile.
 */
export async function readElsewhere(
  db: Reader,
  owners: { readonly all: readonly bigint[]; readonly counted: readonly bigint[] },
  locked: readonly Account[],
  { at, calendar }: { readonly at: Micros; readonly calendar: Calendar },
): Promise<ElsewhereOfUsers> {
  const ids = plainArray(owners.all);
  const lockedIds = plainArray(locked.map(({ id }) => id));
  const periods = [timestamptz(calendar.day(at).start), timestamptz(calendar.month(at).start)];
  const [wallets, pots] = await Promise.all([
    db.query<WalletRow>({
      name: 'other-wallets',
      text: OTHER_WALLETS,
      values: [ids, lockedIds, ...periods, plainArray(owners.counted)],
    }),
    db.query<PotRow>({ name: 'pots-of-users', text: POTS, values: [ids, lockedIds] }),
  ]);
  const found = new Map<string, Elsewhere>();
  const add = (key: string, more: Partial<Elsewhere>) => {
    const one = found.get(key) ?? NOTHING_ELSE;
    found.set(key, {
      held: one.held + (more.held ?? 0n),
      wallets: [...one.wallets, ...(more.wallets ?? [])],
      walletIds: [...one.walletIds, ...(more.walletIds ?? [])],
      potIds: [...one.potIds, ...(more.potIds ?? [])],
      hasPots: one.hasPots || more.hasPots === true,
    });
  };
  const asked = new Set(owners.all);
  for (const { id, kind, ownerUserId, currency } of locked) {
    if (kind === 'wallet' && ownerUserId !== undefined && asked.has(ownerUserId))
      add(ownerKey(ownerUserId, currency), { walletIds: [id] });
  }
  for (const row of wallets.rows) {
    const usage = toUsage(row.usage);
    add(ownerKey(BigInt(row.user_id), row.currency), {
      held: BigInt(row.held),
      wallets: [{ updatedAt: Number(row.updated_at), ...(usage && { usage }) }],
    });
  }
  for (const row of pots.rows) {
    add(ownerKey(BigInt(row.user_id), row.currency), {
      held: BigInt(row.held),
      potIds: row.pot_ids,
      hasPots: true,
    });
  }
  const uncounted = wallets.rows
    .filter(({ is_counted: isCounted, usage }) => isCounted && usage === null)
    .map(({ id, user_id: userId }) => ({ ...uncountedAt(id, at, calendar), ownerUserId: BigInt(userId) }));
  return { elsewhere: found, uncounted };
}
