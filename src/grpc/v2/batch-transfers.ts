// Batches of transfers as wallet.v2 writes them.

import {
  type BatchTransferResult,
  type CreateTransferRequest,
  BatchMode as WireMode,
} from '../../../gen/ts/wallet/v2/transfer_service.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import { REASONS } from '../../domain/reasons.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import { IS_REQUIRED } from '../../domain/words.ts';
import type { BatchMode, BatchTransfersOutcome, PostedItem, RefusedItem } from '../../usecases/index.ts';
import { parseAmount, toMoney, toTransfer } from './money.ts';

/** Reads the mode of a batch; the contract has checked that there is one. */
export function parseMode(mode: WireMode): BatchMode {
  if (mode === WireMode.ALL_OR_NOTHING) return 'all-or-nothing';
  if (mode === WireMode.EACH) return 'each';
  throw refuseField('INVALID_FIELD', 'mode', IS_REQUIRED);
}

/** What became of an item of this user's; what the outcome leaves out stands in the request. */
export function toResult(
  userId: bigint,
  request: CreateTransferRequest,
  outcome: BatchTransfersOutcome,
  index: number,
): BatchTransferResult {
  const result = outcome.results[index];
  if (!result) throw new InvariantError('the outcome of a batch has a result for each of its items');
  return 'reason' in result
    ? { outcome: { $case: 'refused', value: toRefusal(result) } }
    : { outcome: { $case: 'posted', value: toPosted(userId, request, result, outcome) } };
}

function toPosted(
  userId: bigint,
  request: CreateTransferRequest,
  item: PostedItem,
  { at, keyId }: BatchTransfersOutcome,
) {
  const { currency, amount } = parseAmount(request.amount);
  const transfer = {
    id: item.transferId,
    createdAt: item.at ?? at,
    kind: 'transfer',
    currency,
    amount,
    debitAccountId: request.debitWalletId.toLowerCase(),
    creditAccountId: item.creditWalletId,
    sprinkleId: undefined,
    memo: request.memo,
    keyId,
  } as const;
  return {
    transfer: toTransfer({ transfer, debitUserId: userId, creditUserId: item.creditUserId }, userId),
    balance: toMoney(currency, item.balance),
  };
}

/** The results of a batch whose request is not at hand: what the outcome leaves out stands in its transfers. */
export function toResults(
  userId: bigint,
  { results }: BatchTransfersOutcome,
  transfers: ReadonlyMap<string, PostedTransfer>,
): BatchTransferResult[] {
  return results.map((result) => {
    if ('reason' in result) return { outcome: { $case: 'refused', value: toRefusal(result) } };
    const posted = transfers.get(result.transferId);
    if (!posted) throw new InvariantError(`transfer ${result.transferId} of a kept answer is not there`);
    const { currency } = posted.transfer;
    const value = { transfer: toTransfer(posted, userId), balance: toMoney(currency, result.balance) };
    return { outcome: { $case: 'posted', value } };
  });
}

function toRefusal({ reason, field, message }: RefusedItem) {
  return { code: REASONS[reason].code, reason, message, field };
}
