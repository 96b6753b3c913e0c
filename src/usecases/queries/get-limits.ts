// What a user may hold and move, and whether a transfer would be posted.
import type { LedgerCommand } from '../../domain/batch/command.ts';
import type { Currency } from '../../domain/currency.ts';
import type { Tier } from '../../domain/limit-policy.ts';
import { NOTHING_SET } from '../../domain/limit-policy.ts';
import type { Standing } from '../../domain/limit-standing.ts';
import type { Refusal } from '../../domain/refusal.ts';
import { refuseField } from '../../domain/refusal.ts';
import { type CreateTransferIntent, createTransfer } from '../commands/create-transfer.ts';
import type { Core } from '../core.ts';

/** A user's limits in a currency. */
export interface LimitsView {
  readonly tier: Tier;
  readonly standings: readonly Standing[];
}

const readDefaultWallet: LedgerCommand<bigint, void> = {
  readSet: (userId) => ({ wallets: [{ defaultOf: userId, field: 'x-user-id' }] }),
  decide: (userId, batch) => {
    batch.accounts.wallet({ defaultOf: userId, field: 'x-user-id' });
  },
};

/** Refuses USER_NOT_FOUND. */
export async function getLimits({ check }: Core, userId: bigint, currency: Currency): Promise<LimitsView> {
  const { seen, refusal } = await check(readDefaultWallet, userId, userId, ({ accounts, limits }) => ({
    tier: (accounts.defaultOf(userId)?.owner ?? NOTHING_SET).tier,
    standings: limits.standingsOf(userId, currency),
  }));
  if (refusal) throw refuseField('USER_NOT_FOUND', 'x-user-id');
  return seen;
}

/** What a transfer would be refused for, and the limits of its payer before it. */
export interface CheckedTransfer {
  /** Undefined where it would be posted. */
  readonly refusal: Refusal | undefined;
  readonly standings: readonly Standing[];
}

export async function checkTransfer({ check }: Core, intent: CreateTransferIntent): Promise<CheckedTransfer> {
  const { seen, refusal } = await check(createTransfer, intent, intent.userId, ({ limits }) =>
    limits.standingsOf(intent.userId, intent.money.currency),
  );
  return { refusal, standings: seen };
}
