// Quotas on what users can create without limit otherwise. A user above a quota keeps what it has and gets no more.
import { Refusal } from './refusal.ts';

/** The most of each. */
export interface Quotas {
  readonly walletsPerUser: number;
  /** Payouts that were not started. */
  readonly payoutDraftsPerUser: number;
  /** Rooms that a user owns. */
  readonly roomsPerUser: number;
  readonly membersPerRoom: number;
  /** Friends and requests that a user sent, together. */
  readonly friendsPerUser: number;
  /** Webhooks of an API key and of those that it replaced. */
  readonly webhooksPerKey: number;
}

/** The quotas if none are configured. */
export const DEFAULT_QUOTAS: Quotas = {
  walletsPerUser: 100,
  payoutDraftsPerUser: 100,
  roomsPerUser: 1_000,
  membersPerRoom: 10_000,
  friendsPerUser: 5_000,
  webhooksPerKey: 20,
};

/** Refuses QUOTA_EXCEEDED, naming the quota, if `count` has reached it. `count` must be taken under a lock. */
export function checkQuota(quotas: Quotas, quota: keyof Quotas, count: number): void {
  if (count >= quotas[quota]) throw new Refusal('QUOTA_EXCEEDED', { quota: NAMES[quota] });
}

const NAMES: Record<keyof Quotas, string> = {
  walletsPerUser: 'wallets_per_user',
  payoutDraftsPerUser: 'payout_drafts_per_user',
  roomsPerUser: 'rooms_per_user',
  membersPerRoom: 'members_per_room',
  friendsPerUser: 'friends_per_user',
  webhooksPerKey: 'webhooks_per_key',
};
