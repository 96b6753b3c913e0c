// Money and transfers as wallet.v2 writes them.
import type { Money as WireMoney } from '../../../gen/ts/wallet/v2/money.ts';
import { TransferKind as WireKind } from '../../../gen/ts/wallet/v2/transfer.ts';
import { type Currency, parseCurrency } from '../../domain/currency.ts';
import type { RequestedMoney } from '../../domain/intent.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { PostedTransfer, Transfer, TransferKind } from '../../domain/transfer.ts';
import { keyIdSeenBy, TRANSFER_KINDS } from '../../domain/transfer.ts';
import { IS_REQUIRED } from '../../domain/words.ts';
import { toTimestamp } from '../timestamp.ts';

/** Reads the amount of a request; the contract has checked that it is there and in range. */
export function parseAmount(money: WireMoney | undefined, path = 'amount'): RequestedMoney {
  if (!money) throw refuseField('INVALID_FIELD', path, IS_REQUIRED);
  const field = `${path}.currency_code`;
  return { currency: parseCurrency(money.currencyCode, field), amount: money.minorUnits, field };
}

export function toMoney(currency: Currency, amount: bigint): WireMoney {
  return { currencyCode: currency, minorUnits: amount };
}

const KINDS: Record<TransferKind, WireKind> = {
  deposit: WireKind.DEPOSIT,
  withdrawal: WireKind.WITHDRAWAL,
  transfer: WireKind.TRANSFER,
  sprinkle: WireKind.SPRINKLE,
  claim: WireKind.CLAIM,
  refund: WireKind.REFUND,
  payout: WireKind.PAYOUT,
  payout_line: WireKind.PAYOUT_LINE,
};

/** Reads a filter by kinds; undefined when it lets everything through. */
export function parseKinds(kinds: readonly WireKind[]): TransferKind[] | undefined {
  return kinds.length === 0 ? undefined : TRANSFER_KINDS.filter((kind) => kinds.includes(KINDS[kind]));
}

/** What is shown of a posted transfer. */
interface ShownTransfer extends Omit<PostedTransfer, 'transfer'> {
  readonly transfer: Omit<Transfer, 'debitBalanceAfter' | 'creditBalanceAfter'>;
}

/** As a user sees it. Accounts that are no wallets (the outside, pots) are not shown: their ids would mean nothing to a caller. */
export function toTransfer(posted: ShownTransfer, userId: bigint) {
  const { transfer, debitUserId, creditUserId } = posted;
  return {
    transferId: transfer.id,
    kind: KINDS[transfer.kind],
    debitWalletId: debitUserId === undefined ? '' : transfer.debitAccountId,
    creditWalletId: creditUserId === undefined ? '' : transfer.creditAccountId,
    debitUserId: debitUserId ?? 0n,
    creditUserId: creditUserId ?? 0n,
    amount: toMoney(transfer.currency, transfer.amount),
    memo: transfer.memo,
    sprinkleId: transfer.sprinkleId ?? '',
    createdAt: toTimestamp(transfer.createdAt),
    keyId: keyIdSeenBy(userId, posted) ?? '',
  };
}
