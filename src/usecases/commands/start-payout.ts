// Starts a payout: its money leaves the wallet for the pot, and its lines are paid from there in the background.
import type { CallInfo, LedgerCommand } from '../../domain/batch/command.ts';
import type { IdempotencyKey } from '../../domain/intent.ts';
import { fieldOfFault, type Payout } from '../../domain/payout.ts';
import { REASONS } from '../../domain/reasons.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';
import { getPayout } from '../queries/get-payout.ts';
import { resolveAndExecute } from './resolve-and-execute.ts';

/** The intent of the caller. */
export interface StartPayoutIntent {
  /** Only its id and accounts are used, which never change. */
  readonly payout: Payout;
  /** How many lines the caller has added. */
  readonly lineCount: number;
}

/** How many invalid lines an answer names at most. */
const MAX_NAMED = 20;

/** Refuses PAYOUT_STARTED, INVALID_FIELD, PAYOUT_HAS_INVALID_LINES, BALANCE_TOO_LOW. */
export const startPayoutCommand: LedgerCommand<StartPayoutIntent, Payout> = {
  readSet: ({ payout }) => ({
    payoutId: payout.id,
    accountIds: [payout.sourceAccountId, payout.potAccountId],
  }),

  decide({ payout: { id }, lineCount }, batch) {
    const draft = batch.payouts.get(id);
    if (draft.state !== 'draft') throw refuseField('PAYOUT_STARTED', 'payout_id');
    if (draft.lineCount !== lineCount) {
      throw refuseField('INVALID_FIELD', 'line_count', {
        en: `the payout has ${draft.lineCount} lines`,
        ko: `일괄 지급의 줄 수는 ${draft.lineCount}입니다`,
      });
    }
    const wantsAll = draft.mode === 'all-or-nothing';
    if (wantsAll && draft.badCount > 0) throw refuseField('PAYOUT_HAS_INVALID_LINES', 'payout_id');
    const source = batch.accounts.get(draft.sourceAccountId);
    const available = source.balance + source.overdraftLimit;
    // In the mode `each` lines are paid in their order until the money is used up.
    const amount = wantsAll || draft.totalAmount < available ? draft.totalAmount : available;
    if (amount > 0n) {
      const credit = batch.accounts.get(draft.potAccountId);
      batch.transfers.post({ kind: 'payout', debit: source, credit, amount, memo: draft.memo });
    }
    const running = { ...draft, state: 'running', fundedAmount: amount, startedAt: batch.at } as const;
    batch.payouts.update(running);
    batch.jobs.enqueue({ job: 'run-payout', data: { payoutId: id }, runAt: batch.at });
    return running;
  },
};

/** Starts a payout of the acting user. Refuses the same, and PAYOUT_NOT_FOUND; it names the first invalid lines. */
export function startPayout(
  core: Core,
  userId: bigint,
  payoutId: string,
  lineCount: number,
  key: IdempotencyKey,
  call: CallInfo,
): Promise<Payout> {
  const find = async () => {
    const { payout } = await getPayout(core, userId, payoutId);
    const mustPayAll = payout.state === 'draft' && payout.mode === 'all-or-nothing';
    if (mustPayAll && payout.badCount > 0) throw await refuseBadLines(core, payout);
    return { payout, lineCount };
  };
  return resolveAndExecute(core, startPayoutCommand, find, key, call);
}

async function refuseBadLines(core: Core, payout: Payout): Promise<Refusal> {
  const bad = await core.payouts.failedLines(payout.id, 0, MAX_NAMED);
  return new Refusal('PAYOUT_HAS_INVALID_LINES', {
    violations: bad.map((line) => {
      const reason = line.reason ?? 'INVALID_FIELD';
      const field = fieldOfFault(line, reason, payout.currency);
      return { field: `lines[${line.line}].${field}`, description: REASONS[reason] };
    }),
  });
}
