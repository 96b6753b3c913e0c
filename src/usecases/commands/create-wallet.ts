// Opens a further wallet for the acting user.
import type { Account } from '../../domain/account.ts';
import type { LedgerCommand } from '../../domain/command.ts';
import type { Currency } from '../../domain/currency.ts';
import { DEFAULT_QUOTAS, type Quotas } from '../../domain/quotas.ts';

/** What the caller readSet. */
export interface CreateWalletIntent {
  readonly userId: bigint;
  readonly currency: Currency;
  readonly displayName: string;
  readonly quotas?: Quotas;
}

const owner = ({ userId }: CreateWalletIntent) => ({ defaultOf: userId, field: 'x-user-id' });

/** Refuses USER_NOT_FOUND, QUOTA_EXCEEDED. */
export const createWallet: LedgerCommand<CreateWalletIntent, Account> = {
  // Every user has a default wallet, so finding it is finding the user.
  readSet: (intent) => ({ wallets: [owner(intent)], countsOf: intent.userId }),

  decide(intent, book) {
    book.wallet(owner(intent));
    const { userId, currency, displayName } = intent;
    book.owned.add(userId, 'walletsPerUser', intent.quotas ?? DEFAULT_QUOTAS);
    return book.open({ kind: 'wallet', currency, ownerUserId: userId, displayName });
  },
};
