// Money and transfers in wallet.v2, shared by its services.
import type { Label } from '../../../gen/ts/wallet/v2/label.ts';
import type { Money as WireMoney } from '../../../gen/ts/wallet/v2/money.ts';
import { TransferKind as WireKind } from '../../../gen/ts/wallet/v2/transfer.ts';
import type { OwnedAnnotation } from '../../domain/annotation.ts';
import { type Currency, parseCurrency } from '../../domain/currency.ts';
import type { RequestedMoney } from '../../domain/intent.ts';
import { IS_REQUIRED } from '../../domain/localized-text.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { PostedTransfer, Transfer, TransferKind } from '../../domain/transfer.ts';
import { keyIdSeenBy, TRANSFER_KINDS } from '../../domain/transfer.ts';
import { toTimestamp } from '../timestamp.ts';

/** Parses an amount; its presence and range have been validated. */
export function parseAmount(money: WireMoney | undefined, path = 'amount'): RequestedMoney {
  if (!money) throw refuseField('INVALID_FIELD', path, IS_REQUIRED);
  const field = `${path}.currency_code`;
  return { currency: parseCurrency(money.currencyCode, field), amount: money.minorUnits, field };
}

/** Money in minor units, as in the ledger. */
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
  hold: WireKind.HOLD,
  capture: WireKind.CAPTURE,
  void: WireKind.VOID,
  gift: WireKind.GIFT,
  gift_accept: WireKind.GIFT_ACCEPT,
  gift_return: WireKind.GIFT_RETURN,
  reversal: WireKind.REVERSAL,
};

/** Parses a filter by kinds; undefined for an empty one, which selects everything. */
export function parseKinds(kinds: readonly WireKind[]): TransferKind[] | undefined {
  return kinds.length === 0 ? undefined : TRANSFER_KINDS.filter((kind) => kinds.includes(KINDS[kind]));
}

const NOTHING: { readonly reference: string; readonly labels: Label[] } = { reference: '', labels: [] };

/** A reference and labels as a user sees them: only the user who attached them does. */
export function shownAnnotation(annotation: OwnedAnnotation | undefined, userId: bigint): typeof NOTHING {
  if (annotation?.userId !== userId) return NOTHING;
  return { reference: annotation.reference, labels: [...annotation.labels] };
}

/** A posted transfer without the balances after it. */
interface ShownTransfer extends Omit<PostedTransfer, 'transfer'> {
  readonly transfer: Omit<Transfer, 'debitBalanceAfter' | 'creditBalanceAfter'>;
}

/** The transfer as a user sees it. Accounts that are no wallets (external accounts, pots) are left out. */
export function toTransfer(posted: ShownTransfer, userId: bigint) {
  const { transfer, debitUserId, creditUserId } = posted;
  const { reference, labels } = shownAnnotation(posted.annotation, userId);
  return {
    transferId: transfer.id,
    // A later release may have added kinds to the ledger that this one shares.
    kind: KINDS[transfer.kind] ?? WireKind.UNSPECIFIED,
    debitWalletId: debitUserId === undefined ? '' : transfer.debitAccountId,
    creditWalletId: creditUserId === undefined ? '' : transfer.creditAccountId,
    debitUserId: debitUserId ?? 0n,
    creditUserId: creditUserId ?? 0n,
    amount: toMoney(transfer.currency, transfer.amount),
    memo: transfer.memo,
    sprinkleId: transfer.sprinkleId ?? '',
    createdAt: toTimestamp(transfer.createdAt),
    keyId: keyIdSeenBy(userId, posted) ?? '',
    holdId: posted.holdId ?? '',
    giftId: posted.giftId ?? '',
    refundedAmount: toMoney(transfer.currency, posted.refundedAmount ?? 0n),
    refundsTransferId: posted.refundsTransferId ?? '',
    reference,
    labels,
  };
}
