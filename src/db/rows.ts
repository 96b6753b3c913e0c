// Rows of the ledger's tables as the domain knows them.
import type { Account, AccountKind, WalletOwner } from '../domain/account.ts';
import type { Label, OwnedAnnotation } from '../domain/annotation.ts';
import type { Currency } from '../domain/currency.ts';
import type { Hold, HoldKind, HoldState } from '../domain/hold.ts';
import { NOTHING_SET, type OwnLimit, type Tier, type UserLimits } from '../domain/limit-policy.ts';
import type { Restriction } from '../domain/restriction.ts';
import type { ShareMode } from '../domain/shares.ts';
import type { Sprinkle } from '../domain/sprinkle.ts';
import type { Transfer, TransferKind } from '../domain/transfer.ts';
import { NOTHING_MOVED, type Usage } from '../domain/usage.ts';
import { microsOf } from './sql.ts';

/** The columns of Restriction's fields, in their order. */
const RESTRICTION_COLUMNS = [
  'a.closed_at',
  'a.frozen_out_until',
  'a.frozen_in_until',
  'a.user_frozen_out_until',
  'a.user_frozen_in_until',
];

/** What restricts an account; one column, because it is nearly always null. */
export const RESTRICTION = `CASE WHEN num_nonnulls(${RESTRICTION_COLUMNS.join(', ')}) > 0
  THEN ARRAY[${RESTRICTION_COLUMNS.map(microsOf).join(', ')}]::text[] END`;

/** The columns that toAccount() reads, of accounts under the alias `a`. */
export const ACCOUNT_COLUMNS = `a.id, a.kind, a.currency, a.owner_user_id, a.is_default, a.display_name, a.balance,
  a.overdraft_limit, a.held_amount, ${RESTRICTION} AS restriction, a.version, ${microsOf('a.created_at')} AS created_at,
  ${microsOf('a.updated_at')} AS updated_at`;

/** A row with ACCOUNT_COLUMNS, as the driver gives it: bigint columns are text. */
export interface AccountRow {
  id: string;
  kind: AccountKind;
  currency: Currency;
  owner_user_id: string | null;
  is_default: boolean;
  display_name: string;
  balance: string;
  overdraft_limit: string;
  held_amount: string;
  restriction: (string | null)[] | null;
  version: string;
  created_at: string;
  updated_at: string;
}

export function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    kind: row.kind,
    currency: row.currency,
    ownerUserId: row.owner_user_id === null ? undefined : BigInt(row.owner_user_id),
    isDefault: row.is_default,
    displayName: row.display_name,
    balance: BigInt(row.balance),
    overdraftLimit: BigInt(row.overdraft_limit),
    heldAmount: row.held_amount === '0' ? 0n : BigInt(row.held_amount),
    restriction: row.restriction === null ? undefined : toRestriction(row.restriction),
    version: Number(row.version),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

function toRestriction(row: readonly (string | null)[]): Restriction {
  const [closedAt, frozenOutUntil, frozenInUntil, userFrozenOutUntil, userFrozenInUntil] = row.map((text) =>
    text === null ? undefined : Number(text),
  );
  return { closedAt, frozenOutUntil, frozenInUntil, userFrozenOutUntil, userFrozenInUntil };
}

/** A column `usage`, which toUsage() reads: null where it is of fewer transfers than the wallet has, '' where there are none. */
export const USAGE = `
  CASE WHEN a.usage_transfers = a.version - a.hold_changes THEN a.usage WHEN a.version = a.hold_changes THEN '' END AS usage`;

/**
 * The columns that toLimitedAccount() reads besides, of accounts under the alias `a`. The owner is left out where nothing is set
 * for it, as nearly always. Each column costs every transfer 0.3 us of the server.
 */
export const USAGE_COLUMNS = `${USAGE},
  CASE WHEN a.owner_tier IS NOT NULL OR a.owner_has_more THEN json_build_object('owner_tier', a.owner_tier,
    'owner_overrides', a.owner_overrides::text, 'owner_has_more', a.owner_has_more)::text END AS owner`;

/** A row with ACCOUNT_COLUMNS and USAGE_COLUMNS. */
export interface LimitedAccountRow extends AccountRow {
  usage: string | null;
  owner: string | null;
}

/** The columns of a default wallet that tell of its owner. */
interface OwnerColumns {
  owner_tier: Tier | null;
  owner_overrides: string | null;
  owner_has_more: boolean;
}

const NOTHING_KNOWN: WalletOwner = { ...NOTHING_SET, hasMore: false };

export function toLimitedAccount(row: LimitedAccountRow): Account {
  const account: Account & { usage?: Usage; owner?: WalletOwner } = toAccount(row);
  const usage = toUsage(row.usage);
  if (usage) account.usage = usage;
  if (row.is_default) account.owner = row.owner === null ? NOTHING_KNOWN : toOwner(JSON.parse(row.owner));
  return account;
}

function toOwner(columns: OwnerColumns): WalletOwner {
  return { ...toUserLimits(columns), hasMore: columns.owner_has_more };
}

/** What was set for a user, in columns of its default wallet. */
export function toUserLimits(row: Omit<OwnerColumns, 'owner_has_more'>): UserLimits {
  const { owner_tier: tier, owner_overrides: overrides } = row;
  if (tier === null) return NOTHING_SET;
  return { tier, own: overrides === null || overrides === '[]' ? [] : JSON.parse(overrides).map(toOwnLimit) };
}

function toOwnLimit(own: Record<keyof OwnLimit, string>): OwnLimit {
  return {
    ...(own as unknown as OwnLimit),
    limit: BigInt(own.limit),
    until: Number(own.until),
  };
}

/** A value of accounts.usage (migration 0290); undefined where there is none, and UNUSED for an empty text. */
export function toUsage(text: string | null): Usage | undefined {
  if (text === null) return undefined;
  if (text === '') return UNUSED;
  const [day, month, dayOut, dayIn, dayCount, monthOut, monthIn, hasPots] = text.split(':') as UsageColumns;
  return {
    day: Number(day),
    month: Number(month),
    dayOut: BigInt(dayOut),
    dayIn: BigInt(dayIn),
    dayCount: BigInt(dayCount),
    monthOut: BigInt(monthOut),
    monthIn: BigInt(monthIn),
    hasPots: hasPots === '1',
  };
}

type UsageColumns = [string, string, string, string, string, string, string, string];

/** Of a wallet without transfers. */
const UNUSED: Usage = { day: 0, month: 0, ...NOTHING_MOVED, hasPots: false };

/** What toUsage() reads. */
export function usageText(usage: Usage): string {
  const { day, month, dayOut, dayIn, dayCount, monthOut, monthIn, hasPots } = usage;
  return `${day}:${month}:${dayOut}:${dayIn}:${dayCount}:${monthOut}:${monthIn}:${hasPots ? 1 : 0}`;
}

/** The columns that toTransfer() reads, of transfers under the alias `t`. */
export const TRANSFER_COLUMNS = `t.id, ${microsOf('t.created_at')} AS created_at, t.kind, t.currency, t.amount,
  t.debit_account_id, t.credit_account_id, t.debit_balance_after, t.credit_balance_after, t.sprinkle_id, t.memo,
  t.key_id`;

/** A row with TRANSFER_COLUMNS. */
export interface TransferRow {
  id: string;
  created_at: string;
  kind: TransferKind;
  currency: Currency;
  amount: string;
  debit_account_id: string;
  credit_account_id: string;
  debit_balance_after: string;
  credit_balance_after: string;
  sprinkle_id: string | null;
  memo: string;
  key_id: string | null;
}

export function toTransfer(row: TransferRow): Transfer {
  return {
    id: row.id,
    createdAt: Number(row.created_at),
    kind: row.kind,
    currency: row.currency,
    amount: BigInt(row.amount),
    debitAccountId: row.debit_account_id,
    creditAccountId: row.credit_account_id,
    debitBalanceAfter: BigInt(row.debit_balance_after),
    creditBalanceAfter: BigInt(row.credit_balance_after),
    sprinkleId: row.sprinkle_id ?? undefined,
    memo: row.memo,
    keyId: row.key_id ?? undefined,
  };
}

/** A column `annotation`, which toAnnotation() reads: what is attached to the thing with this id. */
export function annotationColumn(id: string): string {
  return `(SELECT json_build_array(n.user_id::text, n.reference, n.labels) FROM annotations n WHERE n.subject_id = ${id})
    AS annotation`;
}

/** A row with an annotationColumn(). */
export interface AnnotationRow {
  annotation:
    | readonly [
        userId: string,
        reference: string | null,
        labels: readonly (readonly [string, string])[] | null,
      ]
    | null;
}

/** Undefined where nothing is attached. */
export function toAnnotation({ annotation }: AnnotationRow): OwnedAnnotation | undefined {
  if (annotation === null) return undefined;
  const [userId, reference, labels] = annotation;
  return {
    userId: BigInt(userId),
    reference: reference ?? '',
    labels: labels?.map(([key, value]) => ({ key, value })) ?? [],
  };
}

/** Labels as the column has them; undefined for none. */
export function labelsJson(labels: readonly Label[]): string | undefined {
  return labels.length === 0 ? undefined : JSON.stringify(labels.map(({ key, value }) => [key, value]));
}

/** The columns that toSprinkle() reads, of sprinkles under the alias `s`. */
export const SPRINKLE_COLUMNS = `s.id, s.room_id, s.token, s.creator_user_id, s.source_account_id, s.pot_account_id,
  s.currency, s.amount, cardinality(s.shares) AS headcount, s.claimed_count,
  ${microsOf('s.created_at')} AS created_at, ${microsOf('s.expires_at')} AS expires_at,
  encode(s.commitment, 'hex') AS commitment, s.share_mode, s.share_floor, s.share_ceiling, s.message, s.hides_amounts,
  s.allowed_user_ids::text[] AS allowed_user_ids, ${microsOf('s.cancelled_at')} AS cancelled_at`;

/** A row with SPRINKLE_COLUMNS. */
export interface SprinkleRow {
  id: string;
  room_id: string;
  token: string;
  creator_user_id: string;
  source_account_id: string;
  pot_account_id: string;
  currency: Currency;
  amount: string;
  headcount: number;
  claimed_count: number;
  created_at: string;
  expires_at: string;
  /** The rest is null where a release without seeds made it. */
  commitment: string | null;
  share_mode: ShareMode | null;
  share_floor: string | null;
  share_ceiling: string | null;
  message: string | null;
  hides_amounts: boolean | null;
  allowed_user_ids: string[] | null;
  cancelled_at: string | null;
}

export function toSprinkle(row: SprinkleRow): Sprinkle {
  return {
    id: row.id,
    roomId: row.room_id,
    token: row.token,
    creatorUserId: BigInt(row.creator_user_id),
    sourceAccountId: row.source_account_id,
    potAccountId: row.pot_account_id,
    currency: row.currency,
    amount: BigInt(row.amount),
    headcount: row.headcount,
    claimedCount: row.claimed_count,
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    ...(row.commitment !== null && {
      draw: {
        commitment: row.commitment,
        mode: row.share_mode ?? 'random',
        floor: BigInt(row.share_floor ?? 1),
        ceiling: BigInt(row.share_ceiling ?? row.amount),
      },
    }),
    ...(row.message !== null && { message: row.message }),
    ...(row.hides_amounts === true && { hidesAmounts: true }),
    ...(row.allowed_user_ids !== null && { allowedUserIds: row.allowed_user_ids.map(BigInt) }),
    ...(row.cancelled_at !== null && { cancelledAt: Number(row.cancelled_at) }),
  };
}

/** The columns that toHold() reads, of holds under the alias `h`. */
export const HOLD_COLUMNS = `h.id, h.kind, h.user_id, h.wallet_id, h.pot_account_id, h.credit_wallet_id, h.credit_user_id, h.currency,
  h.amount, h.captured_amount, h.state, h.reason, ${microsOf('h.created_at')} AS created_at,
  ${microsOf('h.expires_at')} AS expires_at, ${microsOf('h.closed_at')} AS closed_at,
  ${annotationColumn('h.id')}`;

/** A row with HOLD_COLUMNS. */
export interface HoldRow extends AnnotationRow {
  id: string;
  kind: HoldKind;
  user_id: string;
  wallet_id: string;
  pot_account_id: string;
  credit_wallet_id: string | null;
  credit_user_id: string | null;
  currency: Currency;
  amount: string;
  captured_amount: string;
  state: HoldState;
  reason: string;
  created_at: string;
  expires_at: string;
  closed_at: string | null;
}

export function toHold(row: HoldRow): Hold {
  const { credit_wallet_id: walletId, credit_user_id: userId } = row;
  return {
    id: row.id,
    kind: row.kind,
    userId: BigInt(row.user_id),
    walletId: row.wallet_id,
    potAccountId: row.pot_account_id,
    receiver: walletId === null || userId === null ? undefined : { walletId, userId: BigInt(userId) },
    currency: row.currency,
    amount: BigInt(row.amount),
    capturedAmount: BigInt(row.captured_amount),
    state: row.state,
    reason: row.reason,
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    closedAt: row.closed_at === null ? undefined : Number(row.closed_at),
    ...(row.annotation && { annotation: toAnnotation(row) as OwnedAnnotation }),
  };
}
