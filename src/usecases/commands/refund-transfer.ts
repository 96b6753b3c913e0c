// Gives money that came by a transfer back to its payer, once or in parts.

import type { CallInfo, LedgerCommand } from '../../domain/batch/command.ts';
import { checkMemo } from '../../domain/bounds.ts';
import type { IdempotencyKey, RequestedMoney } from '../../domain/intent.ts';
import { refuseField } from '../../domain/refusal.ts';
import { checkMoney } from '../../domain/requested-money.ts';
import { checkRefund, isRefundable, type PostedTransfer, type Transfer } from '../../domain/transfer.ts';
import type { Core } from '../core.ts';
import { shownTo } from '../queries/get-transfer.ts';
import { resolveAndExecute } from './resolve-and-execute.ts';

/** What a caller asks to refund. */
export interface RefundTransferInput {
  readonly transferId: string;
  /** Undefined for all that was not refunded yet. */
  readonly money: RequestedMoney | undefined;
  readonly reason: string;
}

/** The intent of the caller. Transfers never change. */
interface RefundTransferIntent extends RefundTransferInput {
  readonly userId: bigint;
  readonly original: Transfer;
  /** The wallet that the money came from, where that was by way of a pot the one that filled it. */
  readonly payerWalletId: string;
}

const refundTransferCommand: LedgerCommand<RefundTransferIntent, PostedTransfer> = {
  readSet: ({ original, payerWalletId }) => ({
    refundsOf: original.id,
    accountIds: [original.creditAccountId, payerWalletId],
  }),

  decide({ userId, original, payerWalletId, money, reason }, batch) {
    checkMemo(reason, 'reason');
    const debit = batch.accounts.get(original.creditAccountId);
    const credit = batch.accounts.get(payerWalletId);
    if (money) checkMoney(money, debit);
    const refunded = batch.refunds.refundedOf(original.id);
    const amount = checkRefund(original, refunded, money?.amount);
    const transfer = batch.transfers.post({ kind: 'refund', debit, credit, amount, memo: reason });
    batch.refunds.add(original, transfer);
    return {
      transfer,
      debitUserId: userId,
      creditUserId: credit.ownerUserId,
      refundsTransferId: original.id,
    };
  },
};

/**
 * Refunds a transfer that a wallet of the acting user received. Refuses TRANSFER_NOT_FOUND, TRANSFER_NOT_REFUNDABLE,
 * REFUND_EXCEEDS_TRANSFER, CURRENCY_MISMATCH, INVALID_FIELD, BALANCE_TOO_LOW, BALANCE_TOO_HIGH.
 */
export function refundTransfer(
  core: Core,
  userId: bigint,
  input: RefundTransferInput,
  key: IdempotencyKey,
  call: CallInfo,
): Promise<PostedTransfer> {
  const find = async () => {
    // From the primary: a replica may have a transfer that a failover then loses.
    const posted = (await core.transfers.findMany([input.transferId])).get(input.transferId);
    const { transfer, creditUserId, debitUserId } = shownTo(userId, posted, 'transfer_id');
    if (creditUserId !== userId || !isRefundable(transfer.kind))
      throw refuseField('TRANSFER_NOT_REFUNDABLE', 'transfer_id');
    const payerWalletId =
      debitUserId === undefined
        ? await core.transfers.funderOf(transfer.debitAccountId)
        : transfer.debitAccountId;
    if (payerWalletId === undefined) throw refuseField('TRANSFER_NOT_REFUNDABLE', 'transfer_id');
    return { ...input, userId, original: transfer, payerWalletId };
  };
  return resolveAndExecute(core, refundTransferCommand, find, key, call);
}
