// wallet.v2.TransferService: money in, out and across.
import type {
  CreateTransferRequest,
  TransferServiceService,
} from '../../../gen/ts/wallet/v2/transfer_service.ts';
import type { WalletRef } from '../../domain/intent.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import { IS_REQUIRED } from '../../domain/words.ts';
import { batchCreateTransfers, itemField } from '../../usecases/batch-create-transfers.ts';
import type { Core } from '../../usecases/core.ts';
import { deposit } from '../../usecases/deposit.ts';
import { getTransfer } from '../../usecases/get-transfer.ts';
import { type TransferIntent, transfer } from '../../usecases/transfer.ts';
import { withdraw } from '../../usecases/withdraw.ts';
import type { Handlers } from '../bind.ts';
import { parseMode, toResult } from './batch-transfers.ts';
import { parseAmount, toMoney, toTransfer } from './money.ts';
import { walletRef } from './wallet.ts';

export const transferService = (core: Core): Handlers<typeof TransferServiceService> => ({
  async deposit({ walletId, amount, memo }, { userId, key, call }) {
    const intent = { userId, wallet: walletRef(walletId, 'wallet_id'), money: parseAmount(amount), memo };
    const posted = await core.perform(deposit, intent, key, call);
    return answer(userId, posted, posted.transfer.creditBalanceAfter);
  },

  async withdraw({ walletId, amount, memo }, { userId, key, call }) {
    const intent = { userId, wallet: walletRef(walletId, 'wallet_id'), money: parseAmount(amount), memo };
    const posted = await core.perform(withdraw, intent, key, call);
    return answer(userId, posted, posted.transfer.debitBalanceAfter);
  },

  async createTransfer(request, { userId, key, call }) {
    const posted = await core.perform(transfer, parseTransfer(request, userId, ''), key, call);
    return answer(userId, posted, posted.transfer.debitBalanceAfter);
  },

  async batchCreateTransfers({ items: requests, mode }, { userId, key, call }) {
    const items = requests.map((item, index) => parseTransfer(item, userId, `${itemField(index)}.`));
    const intent = { mode: parseMode(mode), items };
    const outcome = await core.perform(batchCreateTransfers, intent, key, call);
    return { results: requests.map((request, index) => toResult(userId, request, outcome, index)) };
  },

  async getTransfer({ transferId }, { userId }) {
    return {
      transfer: toTransfer(await getTransfer(core, userId, transferId.toLowerCase(), 'transfer_id'), userId),
    };
  },
});

/** Reads what is asked for; `path` is where it stands in the request, with a dot behind it, or empty. */
function parseTransfer(request: CreateTransferRequest, userId: bigint, path: string): TransferIntent {
  const { debitWalletId, destination, amount, memo } = request;
  return {
    userId,
    from: walletRef(debitWalletId, `${path}debit_wallet_id`),
    to: parseDestination(destination, path),
    money: parseAmount(amount, `${path}amount`),
    memo,
  };
}

function parseDestination(destination: CreateTransferRequest['destination'], path: string): WalletRef {
  if (!destination) throw refuseField('INVALID_FIELD', `${path}destination`, IS_REQUIRED);
  return destination.$case === 'creditUserId'
    ? { defaultOf: destination.value, field: `${path}credit_user_id` }
    : walletRef(destination.value, `${path}credit_wallet_id`);
}

function answer(userId: bigint, posted: PostedTransfer, balance: bigint) {
  return { transfer: toTransfer(posted, userId), balance: toMoney(posted.transfer.currency, balance) };
}
