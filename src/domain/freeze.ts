// A freeze: what operators set on a wallet or a user for a case, and its rules.
import { checkMemo } from './bounds.ts';
import type { LocalizedText } from './localized-text.ts';
import { refuseField } from './refusal.ts';
import type { WalletState } from './restriction.ts';
import { END_OF_TIME, type Micros } from './time.ts';

/** What is frozen: one wallet, or a user with all wallets, also with those that are opened later. */
export type FreezeTarget = { readonly walletId: string } | { readonly userId: bigint };

/** Which way no money moves: out of a wallet, into it, or both. */
export type FreezeDirection = 'out' | 'in' | 'both';

/** What is asked of a freeze. */
export interface FreezeOrder {
  readonly direction: FreezeDirection;
  readonly caseId: string;
  readonly reason: string;
  /** When it is over; END_OF_TIME where it has no end. */
  readonly until: Micros;
}

/** A freeze that was not lifted. */
export interface Freeze extends FreezeOrder {
  readonly id: string;
  readonly target: FreezeTarget;
  /** The API key that set it. */
  readonly frozenBy: string;
  readonly frozenAt: Micros;
}

/** A wallet's state, as operators see it. */
export interface WalletStatus {
  readonly walletId: string;
  readonly userId: bigint;
  readonly state: WalletState;
}

/** The state of a target: of its wallets, and the freezes that bear on it and were not lifted. */
export interface TargetStatus {
  readonly wallets: readonly WalletStatus[];
  readonly freezes: readonly Freeze[];
}

const MUST_BE_LATER: LocalizedText = {
  en: 'must be in the future',
  ko: '현재보다 나중이어야 합니다',
};

/** Refuses INVALID_FIELD for a freeze that would be over at once, or that does not say why. */
export function checkFreeze({ reason, caseId, until }: FreezeOrder, now: Micros): void {
  checkMemo(reason, 'reason');
  checkMemo(caseId, 'case_id');
  if (until <= now || until > END_OF_TIME) throw refuseField('INVALID_FIELD', 'until', MUST_BE_LATER);
}

/** The name of a target on the audit trail. */
export function targetName(target: FreezeTarget): string {
  return 'walletId' in target ? target.walletId : `user/${target.userId}`;
}

/** The target with this name; undefined where it names none. */
export function targetNamed(name: string): FreezeTarget | undefined {
  const user = /^user\/([1-9]\d{0,18})$/.exec(name)?.[1];
  if (user !== undefined) return { userId: BigInt(user) };
  return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(name) ? { walletId: name } : undefined;
}
