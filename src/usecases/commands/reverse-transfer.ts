// Takes money that came by a transfer back to its payer, for operators.

import { hash } from 'node:crypto';
import type { CallInfo, LedgerCommand } from '../../domain/batch/command.ts';
import { type IdempotencyKey, type RequestedMoney, SYSTEM_USER_ID } from '../../domain/intent.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import { checkMoney } from '../../domain/requested-money.ts';
import { checkRefund, isReversible, type PostedTransfer, type Transfer } from '../../domain/transfer.ts';
import type { AdminCore } from '../core.ts';
import { resolveAndExecute } from './resolve-and-execute.ts';

/** What an operator asks for. */
export interface ReverseTransferInput {
  readonly transferId: string;
  /** Undefined for all that was not given back yet. */
  readonly money: RequestedMoney | undefined;
}

/** The intent of the operator. Transfers never change. */
interface ReverseTransferIntent extends ReverseTransferInput {
  readonly original: Transfer;
  /** The account that the money came from, where that was by way of a pot the wallet that filled it. */
  readonly payerAccountId: string;
}

const reverseTransferCommand: LedgerCommand<ReverseTransferIntent, PostedTransfer> = {
  readSet: ({ original, payerAccountId }) => ({
    refundsOf: original.id,
    accountIds: [original.creditAccountId, payerAccountId],
  }),

  decide({ original, payerAccountId, money }, batch) {
    const debit = batch.accounts.get(original.creditAccountId);
    const credit = batch.accounts.get(payerAccountId);
    if (money) checkMoney(money, debit);
    const amount = checkRefund(original, batch.refunds.refundedOf(original.id), money?.amount);
    // Not even where an overdraft is allowed: the operator would lend money that nobody asked for.
    if (debit.kind === 'wallet' && debit.balance < amount) throw new Refusal('BALANCE_TOO_LOW');
    const transfer = batch.transfers.post({ kind: 'reversal', debit, credit, amount });
    batch.refunds.add(original, transfer);
    return {
      transfer,
      debitUserId: debit.ownerUserId,
      creditUserId: credit.ownerUserId,
      refundsTransferId: original.id,
    };
  },
};

/**
 * Reverses a transfer, in whole or in part, also out of frozen wallets and into closed ones. Refuses TRANSFER_NOT_FOUND,
 * TRANSFER_NOT_REVERSIBLE, REFUND_EXCEEDS_TRANSFER, CURRENCY_MISMATCH, BALANCE_TOO_LOW, BALANCE_TOO_HIGH.
 */
export function reverseTransfer(
  { money: core }: Pick<AdminCore, 'money'>,
  input: ReverseTransferInput,
  key: IdempotencyKey,
  call: CallInfo,
): Promise<PostedTransfer> {
  const find = async () => {
    // From the primary: a replica may have a transfer that a failover then loses.
    const posted = (await core.transfers.findMany([input.transferId])).get(input.transferId);
    if (!posted) throw refuseField('TRANSFER_NOT_FOUND', 'transfer_id');
    const { transfer, debitUserId } = posted;
    if (!isReversible(transfer.kind)) throw refuseField('TRANSFER_NOT_REVERSIBLE', 'transfer_id');
    const isDirect = debitUserId !== undefined || transfer.kind === 'deposit';
    const payerAccountId = isDirect
      ? transfer.debitAccountId
      : await core.transfers.funderOf(transfer.debitAccountId);
    if (payerAccountId === undefined) throw refuseField('TRANSFER_NOT_REVERSIBLE', 'transfer_id');
    return { ...input, original: transfer, payerAccountId };
  };
  return resolveAndExecute(core, reverseTransferCommand, find, operatorsKey(key, call), call);
}

/** Each operator's keys are names of their own, apart from those of users and of jobs. Hashed, they fit whatever their length. */
function operatorsKey({ key, fingerprint }: IdempotencyKey, { keyId = '' }: CallInfo): IdempotencyKey {
  return { userId: SYSTEM_USER_ID, key: `reverse:${hash('sha256', `${keyId}:${key}`, 'hex')}`, fingerprint };
}
