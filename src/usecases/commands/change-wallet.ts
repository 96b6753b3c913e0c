// Renames a wallet, makes it the default one, or closes it.
import { type Account, withoutLimits } from '../../domain/account.ts';
import type { LedgerCommand } from '../../domain/batch/command.ts';
import type { LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import { checkName } from '../../domain/bounds.ts';
import { checkClosing } from '../../domain/closing.ts';
import type { WalletRef } from '../../domain/intent.ts';
import type { LocalizedText } from '../../domain/localized-text.ts';
import { refuseClosed } from '../../domain/movement-rules.ts';
import { refuseField } from '../../domain/refusal.ts';
import { closedWith } from '../../domain/restriction.ts';
import type { Micros } from '../../domain/time.ts';

/** The intent of the caller. */
export interface UpdateWalletIntent {
  readonly userId: bigint;
  readonly wallet: WalletRef;
  /** Undefined where it stays as it is. */
  readonly displayName: string | undefined;
  readonly isDefault: boolean | undefined;
}

const NAME_ANOTHER: LocalizedText = {
  en: 'must be true: another wallet is made the default one instead',
  ko: 'true여야 합니다. 기본 지갑을 바꾸려면 다른 지갑을 기본으로 지정해 주세요',
};

const owner = (userId: bigint): WalletRef => ({ defaultOf: userId, field: 'x-user-id' });

/** A wallet as it was at a moment, which tells whether a freeze is over. */
export interface UpdatedWallet {
  readonly wallet: Account;
  readonly at: Micros;
}

/** Refuses WALLET_NOT_FOUND, WALLET_CLOSED, CURRENCY_MISMATCH, INVALID_FIELD. */
export const updateWallet: LedgerCommand<UpdateWalletIntent, UpdatedWallet> = {
  readSet: ({ userId, wallet, isDefault }) => ({ wallets: isDefault ? [wallet, owner(userId)] : [wallet] }),

  decide({ userId, wallet: ref, displayName, isDefault }, batch) {
    const wallet = batch.accounts.ownWallet(ref, userId);
    refuseClosed(wallet);
    if (displayName !== undefined) checkName(displayName);
    if (isDefault === false && wallet.isDefault)
      throw refuseField('INVALID_FIELD', 'is_default', NAME_ANOTHER);
    if (isDefault && !wallet.isDefault) replaceDefault(batch.accounts.wallet(owner(userId)), wallet, batch);
    if (displayName !== undefined && displayName !== wallet.displayName)
      batch.walletChanges.update({ ...batch.accounts.get(wallet.id), displayName });
    return { wallet: withoutLimits(batch.accounts.get(wallet.id)), at: batch.at };
  },
};

/** A user's default wallet is that of wallet.v1, which has one currency. */
function replaceDefault(before: Account, wallet: Account, { accounts, walletChanges }: LedgerBatch): void {
  if (before.currency !== wallet.currency) {
    throw refuseField('CURRENCY_MISMATCH', 'is_default', {
      en: `the default wallet is kept in ${before.currency}, this one in ${wallet.currency}`,
      ko: `기본 지갑의 통화는 ${before.currency}, 이 지갑의 통화는 ${wallet.currency}입니다`,
    });
  }
  walletChanges.update({ ...before, isDefault: false });
  // Limits go by what the default wallet says of its owner.
  walletChanges.update({ ...wallet, isDefault: true, ...(before.owner && { owner: before.owner }) });
  accounts.setDefault(wallet);
}

/** The intent of the owner, or of an operator. */
export interface CloseWalletIntent {
  readonly walletId: string;
  /** The owner; undefined for an operator. */
  readonly userId: bigint | undefined;
}

/**
 * Closes a wallet for good; one that is closed stays as it is. Refuses WALLET_NOT_FOUND, WALLET_NOT_EMPTY, WALLET_IN_USE,
 * WALLET_IS_DEFAULT, and to the owner WALLET_FROZEN.
 */
export const closeWallet: LedgerCommand<CloseWalletIntent, Account> = {
  readSet: ({ walletId }) => ({ wallets: [{ walletId, field: 'wallet_id' }], closing: walletId }),

  decide({ walletId, userId }, batch) {
    const ref = { walletId, field: 'wallet_id' };
    const wallet = userId === undefined ? batch.accounts.wallet(ref) : batch.accounts.ownWallet(ref, userId);
    if (wallet.restriction?.closedAt !== undefined) return withoutLimits(wallet);
    const facts = batch.walletChanges.closingFacts(walletId);
    checkClosing(wallet, facts, { at: batch.at, isByOwner: userId !== undefined });
    batch.walletChanges.update({ ...wallet, restriction: closedWith(wallet.restriction, batch.at) });
    return withoutLimits(batch.accounts.get(walletId));
  },
};
