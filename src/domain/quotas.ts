// How much of what anybody can make a user may have. Whoever has more already keeps it, and gets no more.
import { Refusal } from './refusal.ts';

/** The most of each, by the name that refusals and settings call it. */
export interface Quotas {
  readonly walletsPerUser: number;
  /** Payouts that were not started. */
  readonly payoutDraftsPerUser: number;
  /** Rooms that a user owns. */
  readonly roomsPerUser: number;
  readonly membersPerRoom: number;
  /** Friends and requests that a user sent, together. */
  readonly friendsPerUser: number;
}

/** Each quota where nothing else is set. */
export const DEFAULT_QUOTAS: Quotas = {
  walletsPerUser: 100,
  payoutDraftsPerUser: 100,
  roomsPerUser: 1_000,
  membersPerRoom: 10_000,
  friendsPerUser: 5_000,
};

/** Refuses QUOTA_EXCEEDED, naming the quota, where there are so many already. `count` must be taken under a lock. */
export function checkQuota(quotas: Quotas, quota: keyof Quotas, count: number): void {
  if (count >= quotas[quota]) throw new Refusal('QUOTA_EXCEEDED', { quota: NAMES[quota] });
}

const NAMES: Record<keyof Quotas, string> = {
  walletsPerUser: 'wallets_per_user',
  payoutDraftsPerUser: 'payout_drafts_per_user',
  roomsPerUser: 'rooms_per_user',
  membersPerRoom: 'members_per_room',
  friendsPerUser: 'friends_per_user',
};
