// The policies in force, and what was set for users.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Currency } from '../../domain/currency.ts';
import {
  LIMIT_KINDS,
  type LimitKind,
  LimitPolicies,
  type LimitPolicy,
  type OwnLimit,
  type Tier,
  type UserLimitChange,
  type UserLimits,
} from '../../domain/limit-policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import { LOCK_NOT_AVAILABLE, type Pool, type Reader, sqlState } from '../pool.ts';
import { toUserLimits } from '../rows.ts';
import { plainArray } from '../sql.ts';

const COLUMNS = LIMIT_KINDS.map((kind) => `p.${kind}`).join(', ');

const READ = `
  SELECT s.id, s.time_zone, p.tier, p.currency, ${COLUMNS}
  FROM limit_policy_set s, limit_policies p ORDER BY p.tier, p.currency`;

type Row = { readonly tier: Tier; readonly currency: Currency } & Readonly<Record<LimitKind, string | null>>;

/** The policies in force, with their set; undefined where there are none. */
export async function readPolicies(db: Reader): Promise<LimitPolicies | undefined> {
  const statement = { name: 'read-policies', text: READ, values: [] };
  const { rows } = await db.query<Row & { readonly id: string; readonly time_zone: string }>(statement);
  const [first] = rows;
  return first && new LimitPolicies(first.id, first.time_zone, rows.map(toPolicy));
}

/** All policies, by tier and currency, and the time zone of their days; empty where there are none. */
export async function listPolicies(
  db: Reader,
): Promise<{ readonly policies: LimitPolicy[]; readonly timeZone: string }> {
  const statement = { name: 'read-policies', text: READ, values: [] };
  const { rows } = await db.query<Row & { readonly time_zone: string }>(statement);
  return { policies: rows.map(toPolicy), timeZone: rows[0]?.time_zone ?? '' };
}

const PUT = 'SELECT put_limit_policy($1, $2, $3::bigint[], $4) AS was_there';

/** How often a change is tried that batches under way left no room for, and how long to wait in between, in milliseconds. */
const MAX_TRIES = 20;
const PAUSE_MS = 100;

/** Puts a policy into force. Refuses UNAVAILABLE where batches leave no room for it. */
export async function putPolicy(
  db: Pool,
  { tier, currency, limits }: LimitPolicy,
  timeZone: string,
): Promise<void> {
  await change(db, [tier, currency, plainArray(LIMIT_KINDS.map((kind) => limits[kind] ?? 'NULL')), timeZone]);
}

/** Takes a policy out of force; returns whether there was one. Refuses UNAVAILABLE where batches leave no room for it. */
export function deletePolicy(db: Pool, tier: Tier, currency: Currency, timeZone: string): Promise<boolean> {
  return change(db, [tier, currency, null, timeZone]);
}

/** All batches that know the old policies have to end first, and others wait meanwhile: for 200 ms a time. */
async function change(db: Pool, values: readonly (string | null)[]): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    try {
      const { rows } = await db.query<{ was_there: boolean }>(PUT, [...values]);
      return rows[0]?.was_there === true;
    } catch (error) {
      if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error;
      if (tries === MAX_TRIES) throw new Refusal('UNAVAILABLE', { retryAfterMs: 1_000 });
      await sleep(PAUSE_MS);
    }
  }
}

const READ_USER = `
  SELECT u.id, l.tier AS owner_tier, l.overrides::text AS owner_overrides
  FROM users u LEFT JOIN user_limits l ON l.user_id = u.id WHERE u.id = $1`;

/** What was set for a user; undefined when there is no such user. */
export async function readUserLimits(db: Reader, userId: bigint): Promise<UserLimits | undefined> {
  type UserRow = { owner_tier: Tier | null; owner_overrides: string | null };
  const { rows } = await db.query<UserRow>({ name: 'read-user-limits', text: READ_USER, values: [userId] });
  return rows[0] && toUserLimits(rows[0]);
}

/** Changes a user's tier or an own limit; returns whether there is such a user. */
export async function changeUserLimits(db: Pool, userId: bigint, change: UserLimitChange): Promise<boolean> {
  const [tier, own] = 'tier' in change ? [change.tier, null] : [null, ownLimitJson(change.own)];
  const { rows } = await db.query<{ exists: boolean }>('SELECT put_user_limits($1, $2, $3) AS exists', [
    userId,
    tier,
    own,
  ]);
  return rows[0]?.exists === true;
}

/** The limit as a text: JSON's numbers are not exact. */
function ownLimitJson(own: OwnLimit | Pick<OwnLimit, 'currency' | 'kind'>): string {
  return JSON.stringify('limit' in own ? { ...own, limit: own.limit.toString() } : own);
}

function toPolicy(row: Row): LimitPolicy {
  const limits = LIMIT_KINDS.flatMap((kind) => {
    const limit = row[kind];
    return limit === null ? [] : [[kind, BigInt(limit)] as const];
  });
  return { tier: row.tier, currency: row.currency, limits: Object.fromEntries(limits) };
}
