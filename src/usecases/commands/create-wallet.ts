// Creates another wallet for the acting user.
import type { Account } from '../../domain/account.ts';
import type { LedgerCommand } from '../../domain/batch/command.ts';
import type { Currency } from '../../domain/currency.ts';
import { DEFAULT_QUOTAS, type Quotas } from '../../domain/quotas.ts';

/** The intent of the caller. */
export interface CreateWalletIntent {
  readonly userId: bigint;
  readonly currency: Currency;
  readonly displayName: string;
  readonly quotas?: Quotas;
}

const owner = ({ userId }: CreateWalletIntent) => ({ defaultOf: userId, field: 'x-user-id' });

/** Refuses USER_NOT_FOUND, QUOTA_EXCEEDED. */
export const createWallet: LedgerCommand<CreateWalletIntent, Account> = {
  // Every user has a default wallet, so reading it finds the user.
  readSet: (intent) => ({ wallets: [owner(intent)], quotasOf: intent.userId }),

  decide(intent, batch) {
    batch.accounts.wallet(owner(intent));
    const { userId, currency, displayName } = intent;
    batch.quotas.add(userId, 'walletsPerUser', intent.quotas ?? DEFAULT_QUOTAS);
    return batch.accounts.open({ kind: 'wallet', currency, ownerUserId: userId, displayName });
  },
};
