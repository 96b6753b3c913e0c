// Ends a payout: what is left in its pot goes back to the wallet.

import type { CallInfo, LedgerCommand } from '../../domain/batch/command.ts';
import type { LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import type { IdempotencyKey } from '../../domain/intent.ts';
import type { Payout } from '../../domain/payout.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';
import { getPayout } from '../queries/get-payout.ts';
import { resolveAndExecute } from './resolve-and-execute.ts';

/** The payout. Only its id and accounts are used, which never change. */
export interface EndPayoutIntent {
  readonly payout: Payout;
}

const readSet: LedgerCommand<EndPayoutIntent, Payout>['readSet'] = ({ payout }) => ({
  payoutId: payout.id,
  accountIds: [payout.sourceAccountId, payout.potAccountId],
});

/** Finishes a payout whose lines are all settled. A payout that has ended stays as it is. Refuses BALANCE_TOO_HIGH. */
export const finishPayout: LedgerCommand<EndPayoutIntent, Payout> = {
  readSet,
  decide({ payout: { id } }, batch) {
    const payout = batch.payouts.get(id);
    if (payout.state !== 'running') return payout;
    if (payout.paidCount + payout.failedCount < payout.lineCount) {
      throw new InvariantError(`payout ${id} has lines that are not settled`);
    }
    return end(payout, 'done', batch);
  },
};

/** Cancels a payout: what is paid stays paid, the rest goes back. Refuses PAYOUT_STARTED if it is done, BALANCE_TOO_HIGH. */
const cancelPayoutCommand: LedgerCommand<EndPayoutIntent, Payout> = {
  readSet,
  decide({ payout: { id } }, batch) {
    const payout = batch.payouts.get(id);
    if (payout.state === 'done')
      throw refuseField('PAYOUT_STARTED', 'payout_id', {
        en: 'the payout is done',
        ko: '이미 끝난 일괄 지급입니다',
      });
    return payout.state === 'cancelled' ? payout : end(payout, 'cancelled', batch);
  },
};

/** Cancels a payout of the acting user. Refuses the same, and PAYOUT_NOT_FOUND. */
export function cancelPayout(
  core: Core,
  userId: bigint,
  payoutId: string,
  key: IdempotencyKey,
  call: CallInfo,
): Promise<Payout> {
  return resolveAndExecute(core, cancelPayoutCommand, () => getPayout(core, userId, payoutId), key, call);
}

function end(payout: Payout, state: 'done' | 'cancelled', batch: LedgerBatch): Payout {
  const pot = batch.accounts.get(payout.potAccountId);
  if (pot.balance > 0n) {
    const credit = batch.accounts.get(payout.sourceAccountId);
    batch.transfers.post({ kind: 'refund', debit: pot, credit, amount: pot.balance, memo: payout.memo });
  }
  const ended = { ...payout, state, endedAt: batch.at };
  batch.payouts.update(ended);
  return ended;
}
