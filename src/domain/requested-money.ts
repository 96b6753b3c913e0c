// Checks money that a caller names against the bounds of amounts and the currency of a wallet.
import type { Account } from './account.ts';
import { checkAmount } from './bounds.ts';
import type { RequestedMoney } from './intent.ts';
import { refuseField } from './refusal.ts';

/** Refuses INVALID_FIELD for an amount out of bounds and CURRENCY_MISMATCH for another currency than the wallet's. */
export function checkMoney(money: RequestedMoney, wallet: Account): void {
  checkAmount(money.amount, money.field.replace(/\.currency_code$/, ''));
  checkCurrency(money, wallet);
}

/** Refuses CURRENCY_MISMATCH for money in another currency than the wallet's, naming the caller's field. */
export function checkCurrency(money: RequestedMoney, wallet: Account): void {
  if (money.currency !== wallet.currency) {
    throw refuseField('CURRENCY_MISMATCH', money.field, {
      en: `the wallet is kept in ${wallet.currency}`,
      ko: `지갑의 통화는 ${wallet.currency}입니다`,
    });
  }
}
