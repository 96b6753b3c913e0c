// wallet.v2.TransferService: deposits, withdrawals, transfers and the outcomes of their idempotency keys.
import {
  type BatchTransferResult,
  type CreateTransferRequest,
  type DepositRequest,
  OutcomeState,
  type TransferServiceService,
  BatchMode as WireMode,
  type WithdrawRequest,
} from '../../../gen/ts/wallet/v2/transfer_service.ts';
import { annotationOf, checkLabelCount } from '../../domain/annotation.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import { IS_REQUIRED } from '../../domain/localized-text.ts';
import { pageSize } from '../../domain/page.ts';
import { REASONS } from '../../domain/reasons.ts';
import { type Refusal, refuseField } from '../../domain/refusal.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import {
  type BatchMode,
  type BatchTransfersOutcome,
  batchCreateTransfers,
  type Core,
  type CreateTransferIntent,
  checkTransfer,
  createTransfer,
  type DepositIntent,
  deposit,
  findByReference,
  findTransfersOf,
  getOutcome,
  getTransfer,
  isPosted,
  itemField,
  type KeyOutcome,
  listRefunds,
  type PostedItem,
  type RefusedItem,
  refundTransfer,
  withdraw,
} from '../../usecases/index.ts';
import { command, type RestoreAnswer } from '../command-handler.ts';
import type { Handlers } from '../handlers.ts';
import { decodeTimeToken, encodeTimeToken } from '../page-token.ts';
import { toLimit } from './limit.ts';
import { parseAmount, toMoney, toTransfer } from './money.ts';
import { destinationRef, walletRef } from './wallet.ts';

/** `restoreAnswer` makes the response of an outcome of any service. */
export const transferService = (
  core: Core,
  restoreAnswer: RestoreAnswer,
): Handlers<typeof TransferServiceService> => ({
  deposit: command({
    execute: (request, { userId, key, call }) =>
      core.execute(deposit, parseFunding(request, userId), key, call),
    toResponse: toDepositResponse,
  }),

  withdraw: command({
    execute: (request, { userId, key, call }) =>
      core.execute(withdraw, parseFunding(request, userId), key, call),
    toResponse: toPaymentResponse,
  }),

  createTransfer: command({
    execute: (request, { userId, key, call }) =>
      core.execute(createTransfer, parseTransfer(request, userId, ''), key, call),
    toResponse: toPaymentResponse,
  }),

  async checkTransfer(request, { userId }) {
    const intent = parseTransfer(request, userId, '');
    const { refusal, standings } = await checkTransfer(core, intent);
    return {
      wouldPost: refusal === undefined,
      refusal: refusal && toCheckedRefusal(refusal),
      limits: standings.map((standing) => toLimit(intent.money.currency, standing)),
    };
  },

  refundTransfer: command({
    execute: ({ transferId, amount, reason }, { userId, key, call }) => {
      const input = { transferId: transferId.toLowerCase(), money: amount && parseAmount(amount), reason };
      return refundTransfer(core, userId, input, key, call);
    },
    toResponse: toPaymentResponse,
  }),

  async listRefunds(request, { userId }) {
    const transferId = request.transferId.toLowerCase();
    const list = ['v2.refunds', userId, transferId];
    const after = decodeTimeToken(list, request.pageToken);
    const page = await listRefunds(core, userId, transferId, after, pageSize(request.pageSize));
    return {
      refunds: page.items.map((refund) => toTransfer(refund, userId)),
      nextPageToken: encodeTimeToken(list, page.next),
    };
  },

  batchCreateTransfers: command(
    {
      execute: ({ items: requests, mode }, { userId, key, call }) => {
        checkLabelCount(requests, 'items');
        const items = requests.map((item, index) => parseTransfer(item, userId, `${itemField(index)}.`));
        return core.execute(batchCreateTransfers, { mode: parseMode(mode), items }, key, call);
      },
      toResponse: (outcome, userId, { items }) => ({
        results: items.map((item, index) => toResult(userId, item, outcome, index)),
      }),
    },
    async (outcome, userId) => {
      const ids = outcome.results.filter(isPosted).map(({ transferId }) => transferId);
      return { results: toResults(userId, outcome, await findTransfersOf(core, ids)) };
    },
  ),

  async getOutcome({ idempotencyKey }, { userId, call }) {
    const found = await getOutcome(core, userId, idempotencyKey, call);
    const rpc = (found.state === 'posted' && found.rpc) || '';
    const answer =
      found.state === 'posted' && rpc ? await restoreAnswer(rpc, found.outcome, userId) : undefined;
    return { state: OUTCOME_STATES[found.state], rpc, answer };
  },

  async getTransfer({ transferId, reference }, { userId }) {
    const named = { id: transferId, reference };
    const { id, field } = await findByReference(core, userId, 'transfer', named);
    return { transfer: toTransfer(await getTransfer(core, userId, id, field), userId) };
  },
});

const OUTCOME_STATES: Record<KeyOutcome['state'], OutcomeState> = {
  posted: OutcomeState.POSTED,
  'not-posted': OutcomeState.NOT_POSTED,
  undecided: OutcomeState.UNDECIDED,
};

function parseFunding(request: DepositRequest | WithdrawRequest, userId: bigint): DepositIntent {
  const { walletId, amount, memo } = request;
  const wallet = walletRef(walletId, 'wallet_id');
  return { userId, wallet, money: parseAmount(amount), memo, annotation: annotationOf(request) };
}

/** `path` is the prefix of field names in refusals: `items[3].`, or empty. */
function parseTransfer(request: CreateTransferRequest, userId: bigint, path: string): CreateTransferIntent {
  const { debitWalletId, destination, amount, memo } = request;
  return {
    userId,
    from: walletRef(debitWalletId, `${path}debit_wallet_id`),
    to: destinationRef(destination, path) ?? missing(`${path}destination`),
    money: parseAmount(amount, `${path}amount`),
    memo,
    annotation: annotationOf(request, path),
  };
}

function missing(field: string): never {
  throw refuseField('INVALID_FIELD', field, IS_REQUIRED);
}

function toDepositResponse(posted: PostedTransfer, userId: bigint) {
  return toPostedResponse(posted, userId, posted.transfer.creditBalanceAfter);
}

/** Of a withdrawal or a transfer, which take money from the user. */
function toPaymentResponse(posted: PostedTransfer, userId: bigint) {
  return toPostedResponse(posted, userId, posted.transfer.debitBalanceAfter);
}

function toPostedResponse(posted: PostedTransfer, userId: bigint, balance: bigint) {
  return { transfer: toTransfer(posted, userId), balance: toMoney(posted.transfer.currency, balance) };
}

/** Parses the mode of a batch; its presence has been validated. */
function parseMode(mode: WireMode): BatchMode {
  if (mode === WireMode.ALL_OR_NOTHING) return 'all-or-nothing';
  if (mode === WireMode.EACH) return 'each';
  throw refuseField('INVALID_FIELD', 'mode', IS_REQUIRED);
}

/** The result of an item. The outcome stores only what is not in the request. */
function toResult(
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
  const { creditUserId, balance } = item;
  const { reference, labels } = request;
  const posted = { transfer, debitUserId: userId, creditUserId, annotation: { userId, reference, labels } };
  return { transfer: toTransfer(posted, userId), balance: toMoney(currency, balance) };
}

/** The results of a batch without its request: the rest is read from its transfers. */
function toResults(
  userId: bigint,
  { results }: BatchTransfersOutcome,
  transfers: ReadonlyMap<string, PostedTransfer>,
): BatchTransferResult[] {
  return results.map((result) => {
    if ('reason' in result) return { outcome: { $case: 'refused', value: toRefusal(result) } };
    const posted = transfers.get(result.transferId);
    if (!posted) throw new InvariantError(`transfer ${result.transferId} of a stored answer does not exist`);
    const { currency } = posted.transfer;
    const value = { transfer: toTransfer(posted, userId), balance: toMoney(currency, result.balance) };
    return { outcome: { $case: 'posted', value } };
  });
}

function toRefusal({ reason, field, message }: RefusedItem) {
  return { code: REASONS[reason].code, reason, message, field };
}

function toCheckedRefusal({ reason, violations: [violation] }: Refusal) {
  const message = (violation?.description ?? REASONS[reason]).en;
  return toRefusal({ reason, field: violation?.field ?? '', message });
}
