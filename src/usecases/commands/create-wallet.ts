// Creates another wallet for the acting user.
import type { Account } from '../../domain/account.ts';
import type { OwnedAnnotation, RequestedAnnotation } from '../../domain/annotation.ts';
import { referencesOf } from '../../domain/batch/annotations.ts';
import type { LedgerCommand } from '../../domain/batch/command.ts';
import type { Currency } from '../../domain/currency.ts';
import { DEFAULT_QUOTAS, type Quotas } from '../../domain/quotas.ts';

/** The intent of the caller. */
export interface CreateWalletIntent {
  readonly userId: bigint;
  readonly currency: Currency;
  readonly displayName: string;
  readonly quotas?: Quotas;
  /** Undefined where the user attaches nothing. */
  readonly annotation?: RequestedAnnotation | undefined;
}

/** The new wallet. */
export interface CreatedWallet extends Account {
  /** What its user attached to it; left out where there is nothing. */
  readonly annotation?: OwnedAnnotation;
}

const owner = ({ userId }: CreateWalletIntent) => ({ defaultOf: userId, field: 'x-user-id' });

/** Refuses USER_NOT_FOUND, QUOTA_EXCEEDED, REFERENCE_REUSED. */
export const createWallet: LedgerCommand<CreateWalletIntent, CreatedWallet> = {
  // Every user has a default wallet, so reading it finds the user.
  readSet: (intent) => ({
    wallets: [owner(intent)],
    quotasOf: intent.userId,
    references: referencesOf('wallet', intent.userId, intent.annotation),
  }),

  decide(intent, batch) {
    batch.accounts.wallet(owner(intent));
    const { userId, currency, displayName, annotation } = intent;
    batch.quotas.add(userId, 'walletsPerUser', intent.quotas ?? DEFAULT_QUOTAS);
    const wallet = batch.accounts.open({ kind: 'wallet', currency, ownerUserId: userId, displayName });
    if (!annotation) return wallet;
    const thing = { subject: 'wallet', id: wallet.id, createdAt: wallet.createdAt, userId } as const;
    return { ...wallet, annotation: batch.annotations.add(thing, annotation) };
  },
};
