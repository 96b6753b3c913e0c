// wallet.v2.TransferService: money in, out and across.
import type { Any } from '../../../gen/ts/google/protobuf/any.ts';
import {
  type CreateTransferRequest,
  OutcomeState,
  type TransferServiceService,
} from '../../../gen/ts/wallet/v2/transfer_service.ts';
import type { WalletRef } from '../../domain/intent.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import { IS_REQUIRED } from '../../domain/words.ts';
import {
  batchCreateTransfers,
  type Core,
  type CreateTransferIntent,
  createTransfer,
  deposit,
  getOutcome,
  getTransfer,
  itemField,
  type KeyOutcome,
  withdraw,
} from '../../usecases/index.ts';
import type { Handlers } from '../service.ts';
import { parseMode, toResult } from './batch-transfers.ts';
import { parseAmount, toMoney, toTransfer } from './money.ts';
import { walletRef } from './wallet.ts';

/** Writes an answer that was kept; undefined where its RPC is not known. */
export type StoredAnswer = (rpc: string, outcome: unknown, userId: bigint) => Promise<Any | undefined>;

/** `storedAnswers` writes answers as the RPCs that gave them do, those of other services too. */
export const transferService = (
  core: Core,
  storedAnswers: StoredAnswer,
): Handlers<typeof TransferServiceService> => ({
  async deposit({ walletId, amount, memo }, { userId, key, call }) {
    const intent = { userId, wallet: walletRef(walletId, 'wallet_id'), money: parseAmount(amount), memo };
    const posted = await core.execute(deposit, intent, key, call);
    return deposited(posted, userId);
  },

  async withdraw({ walletId, amount, memo }, { userId, key, call }) {
    const intent = { userId, wallet: walletRef(walletId, 'wallet_id'), money: parseAmount(amount), memo };
    const posted = await core.execute(withdraw, intent, key, call);
    return paid(posted, userId);
  },

  async createTransfer(request, { userId, key, call }) {
    const posted = await core.execute(createTransfer, parseTransfer(request, userId, ''), key, call);
    return paid(posted, userId);
  },

  async batchCreateTransfers({ items: requests, mode }, { userId, key, call }) {
    const items = requests.map((item, index) => parseTransfer(item, userId, `${itemField(index)}.`));
    const intent = { mode: parseMode(mode), items };
    const outcome = await core.execute(batchCreateTransfers, intent, key, call);
    return { results: requests.map((request, index) => toResult(userId, request, outcome, index)) };
  },

  async getOutcome({ idempotencyKey }, { userId, call }) {
    const found = await getOutcome(core, userId, idempotencyKey, call);
    const rpc = (found.state === 'posted' && found.rpc) || '';
    const answer =
      found.state === 'posted' && rpc ? await storedAnswers(rpc, found.outcome, userId) : undefined;
    return { state: OUTCOME_STATES[found.state], rpc, answer };
  },

  async getTransfer({ transferId }, { userId }) {
    return {
      transfer: toTransfer(await getTransfer(core, userId, transferId.toLowerCase(), 'transfer_id'), userId),
    };
  },
});

const OUTCOME_STATES: Record<KeyOutcome['state'], OutcomeState> = {
  posted: OutcomeState.POSTED,
  'not-posted': OutcomeState.NOT_POSTED,
  undecided: OutcomeState.UNDECIDED,
};

/** Reads what is asked for; `path` is where it stands in the request, with a dot behind it, or empty. */
function parseTransfer(request: CreateTransferRequest, userId: bigint, path: string): CreateTransferIntent {
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

/** The answer to a deposit. */
export function deposited(posted: PostedTransfer, userId: bigint) {
  return answer(userId, posted, posted.transfer.creditBalanceAfter);
}

/** The answer to what takes money from the user: a withdrawal, or a transfer. */
export function paid(posted: PostedTransfer, userId: bigint) {
  return answer(userId, posted, posted.transfer.debitBalanceAfter);
}

function answer(userId: bigint, posted: PostedTransfer, balance: bigint) {
  return { transfer: toTransfer(posted, userId), balance: toMoney(posted.transfer.currency, balance) };
}
