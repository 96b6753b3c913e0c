// wallet.v2.PayoutService: many payments out of one wallet, in the background.
import {
  type PayoutServiceService,
  PayoutMode as WireMode,
  type PayoutLine as WirePayoutLine,
  PayoutState as WireState,
} from '../../../gen/ts/wallet/v2/payout_service.ts';
import { annotationOf, checkLabelCount } from '../../domain/annotation.ts';
import { IS_REQUIRED } from '../../domain/localized-text.ts';
import { pageSize } from '../../domain/page.ts';
import {
  fieldOfFault,
  MAX_PAYOUT_LINES,
  type Payout,
  type PayoutLine,
  type PayoutMode,
  type PayoutState,
  type RequestedLine,
} from '../../domain/payout.ts';
import { REASONS } from '../../domain/reasons.ts';
import { refuseField } from '../../domain/refusal.ts';
import {
  addPayoutLines,
  type Core,
  cancelPayout,
  createPayout,
  findByReference,
  getPayout,
  listPayoutFailures,
  startPayout,
  watchPayout,
} from '../../usecases/index.ts';
import { command } from '../command-handler.ts';
import type { Handlers } from '../handlers.ts';
import { decodeUserToken, encodeUserToken } from '../page-token.ts';
import { toTimestamp } from '../timestamp.ts';
import { shownAnnotation, toMoney } from './money.ts';
import { walletRef } from './wallet.ts';

/** The handlers of wallet.v2.PayoutService. */
export const payoutService = (core: Core): Handlers<typeof PayoutServiceService> => ({
  createPayout: command({
    execute: (request, { userId, key, call }) => {
      const { walletId, mode, memo } = request;
      const wallet = walletRef(walletId, 'wallet_id');
      const annotation = annotationOf(request);
      const intent = { userId, wallet, mode: parseMode(mode), memo, quotas: core.quotas, annotation };
      return core.execute(createPayout, intent, key, call);
    },
    toResponse: (payout) => ({ payout: toPayout(payout) }),
  }),

  async addPayoutLines({ payoutId, firstLine, lines }, { userId }) {
    checkLabelCount(lines, 'lines');
    const requested = lines.map(parseLine);
    const { payout, bad } = await addPayoutLines(core, userId, payoutId.toLowerCase(), firstLine, requested);
    return { lineCount: payout.lineCount, badLines: bad.map((line) => toFailure(line, payout)) };
  },

  startPayout: command({
    execute: ({ payoutId, lineCount }, { userId, key, call }) =>
      startPayout(core, userId, payoutId.toLowerCase(), lineCount, key, call),
    toResponse: (payout) => ({ payout: toPayout(payout) }),
  }),

  async getPayout({ payoutId, reference }, { userId }) {
    const { id } = await findByReference(core, userId, 'payout', { id: payoutId, reference });
    const { payout } = await getPayout(core, userId, id);
    return { payout: toPayout(payout) };
  },

  async *watchPayout({ payoutId }, { userId }, signal) {
    for await (const payout of watchPayout(core, userId, payoutId.toLowerCase(), signal)) {
      yield { payout: toPayout(payout) };
    }
  },

  async listPayoutFailures(request, { userId }) {
    const payoutId = request.payoutId.toLowerCase();
    const list = ['v2.payout-failures', userId, payoutId];
    const after = Number(decodeUserToken(list, request.pageToken, BigInt(MAX_PAYOUT_LINES)));
    const size = pageSize(request.pageSize);
    const { payout, page } = await listPayoutFailures(core, userId, payoutId, after, size);
    return {
      failures: page.items.map((line) => toFailure(line, payout)),
      nextPageToken: encodeUserToken(list, page.next === undefined ? undefined : BigInt(page.next)),
    };
  },

  cancelPayout: command({
    execute: ({ payoutId }, { userId, key, call }) =>
      cancelPayout(core, userId, payoutId.toLowerCase(), key, call),
    toResponse: (payout) => ({ payout: toPayout(payout) }),
  }),
});

const MODES: Record<PayoutMode, WireMode> = {
  'all-or-nothing': WireMode.ALL_OR_NOTHING,
  each: WireMode.EACH,
};

const STATES: Record<PayoutState, WireState> = {
  draft: WireState.DRAFT,
  running: WireState.RUNNING,
  done: WireState.DONE,
  cancelled: WireState.CANCELLED,
};

function parseMode(mode: WireMode): PayoutMode {
  if (mode === WireMode.ALL_OR_NOTHING) return 'all-or-nothing';
  if (mode === WireMode.EACH) return 'each';
  throw refuseField('INVALID_FIELD', 'mode', IS_REQUIRED);
}

/** A wrong amount is no refusal here: it is reported for its line. */
function parseLine(line: WirePayoutLine, index: number): RequestedLine {
  const { destination, amount, key, memo } = line;
  const annotation = annotationOf(line, `lines[${index}].`);
  if (!destination || !amount) throw refuseField('INVALID_FIELD', `lines[${index}]`, IS_REQUIRED);
  const to =
    destination.$case === 'userId'
      ? { userId: destination.value }
      : { walletId: destination.value.toLowerCase() };
  const { currencyCode: currency, minorUnits } = amount;
  return { to, currency, amount: minorUnits, key, memo, ...(annotation && { annotation }) };
}

const MAX_INT64 = 2n ** 63n - 1n;

function toPayout(payout: Payout) {
  const { currency, startedAt, endedAt } = payout;
  return {
    payoutId: payout.id,
    mode: MODES[payout.mode],
    state: STATES[payout.state],
    memo: payout.memo,
    lineCount: payout.lineCount,
    badLineCount: payout.badCount,
    paidCount: payout.paidCount,
    failedCount: payout.failedCount,
    totalAmount: toMoney(currency, payout.totalAmount > MAX_INT64 ? 0n : payout.totalAmount),
    fundedAmount: toMoney(currency, payout.fundedAmount),
    paidAmount: toMoney(currency, payout.paidAmount),
    createdAt: toTimestamp(payout.createdAt),
    startedAt: startedAt === undefined ? undefined : toTimestamp(startedAt),
    endedAt: endedAt === undefined ? undefined : toTimestamp(endedAt),
    ...shownAnnotation(payout.annotation, payout.ownerUserId),
  };
}

function toFailure(line: PayoutLine, { currency }: Payout) {
  const reason = line.reason ?? 'INTERNAL';
  const { code, en } = REASONS[reason];
  const message = reason === 'INVALID_FIELD' ? 'must be from 1 to 9007199254740991' : en;
  return {
    line: line.line,
    key: line.key,
    code,
    reason,
    message,
    field: fieldOfFault(line, reason, currency),
  };
}
