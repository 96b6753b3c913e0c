// wallet.v2.TransferService: money in, out and across.
import type {
  CreateTransferRequest,
  TransferServiceService,
} from '../../../gen/ts/wallet/v2/transfer_service.ts';
import type { WalletRef } from '../../domain/intent.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { Core } from '../../usecases/core.ts';
import { deposit } from '../../usecases/deposit.ts';
import { getTransfer } from '../../usecases/get-transfer.ts';
import { transfer } from '../../usecases/transfer.ts';
import { withdraw } from '../../usecases/withdraw.ts';
import type { Handlers } from '../unary.ts';
import { parseAmount, toMoney, toTransfer } from './money.ts';
import { walletRef } from './wallet.ts';

export const transferService = (core: Core): Handlers<typeof TransferServiceService> => ({
  async deposit({ walletId, amount, memo }, { userId, key, call }) {
    const intent = { userId, wallet: walletRef(walletId, 'wallet_id'), money: parseAmount(amount), memo };
    const posted = await core.perform(deposit, intent, key, call);
    return answer(posted, posted.transfer.creditBalanceAfter);
  },

  async withdraw({ walletId, amount, memo }, { userId, key, call }) {
    const intent = { userId, wallet: walletRef(walletId, 'wallet_id'), money: parseAmount(amount), memo };
    const posted = await core.perform(withdraw, intent, key, call);
    return answer(posted, posted.transfer.debitBalanceAfter);
  },

  async createTransfer({ debitWalletId, destination, amount, memo }, { userId, key, call }) {
    const from = walletRef(debitWalletId, 'debit_wallet_id');
    const intent = { userId, from, to: parseDestination(destination), money: parseAmount(amount), memo };
    const posted = await core.perform(transfer, intent, key, call);
    return answer(posted, posted.transfer.debitBalanceAfter);
  },

  async getTransfer({ transferId }, { userId }) {
    return { transfer: toTransfer(await getTransfer(core, userId, transferId.toLowerCase(), 'transfer_id')) };
  },
});

function parseDestination(destination: CreateTransferRequest['destination']): WalletRef {
  if (!destination) throw refuseField('INVALID_FIELD', 'destination', 'is required');
  return destination.$case === 'creditUserId'
    ? { defaultOf: destination.value, field: 'credit_user_id' }
    : walletRef(destination.value, 'credit_wallet_id');
}

function answer(posted: PostedTransfer, balance: bigint) {
  return { transfer: toTransfer(posted), balance: toMoney(posted.transfer.currency, balance) };
}
