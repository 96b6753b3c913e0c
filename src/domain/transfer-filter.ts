// Which of a wallet's transfers to list. Every filter is served in bounded time: those that choose by an index (reference,
// label, time), and those that sort out what an index returned (kind, counterparty, amount).
import type { Label } from './annotation.ts';
import type { Micros } from './time.ts';
import type { PostedTransfer, TransferKind } from './transfer.ts';

/** The filters of a list; all of them together. */
export interface TransferFilter {
  /** All kinds when undefined. */
  readonly kinds: readonly TransferKind[] | undefined;
  /** At or after. */
  readonly from: Micros | undefined;
  /** Before. */
  readonly before: Micros | undefined;
  /** The one transfer to which the wallet's user gave this reference. */
  readonly reference?: string | undefined;
  /** Those to which the wallet's user attached this label. */
  readonly label?: Label | undefined;
  /** The wallet on the other side. */
  readonly counterpartyWalletId?: string | undefined;
  /** The user of the wallet on the other side. */
  readonly counterpartyUserId?: bigint | undefined;
  /** At least, in the smallest unit of the currency. */
  readonly amountFrom?: bigint | undefined;
  /** At most. */
  readonly amountTo?: bigint | undefined;
}

/** Whether nothing is filtered out. */
export function isEverything(filter: TransferFilter): boolean {
  return Object.values(filter).every((value) => value === undefined);
}

/** Whether some of what an index returns may be filtered out: by kind, counterparty or amount. */
export function isSorting(filter: TransferFilter): boolean {
  const { kinds, counterpartyWalletId, counterpartyUserId, amountFrom, amountTo } = filter;
  return [kinds, counterpartyWalletId, counterpartyUserId, amountFrom, amountTo].some(
    (value) => value !== undefined,
  );
}

/** Whether a transfer of a wallet is among those that a filter selects. */
export function matches(filter: TransferFilter, walletId: string, posted: PostedTransfer): boolean {
  const { transfer, annotation } = posted;
  const isOut = transfer.debitAccountId === walletId;
  if (!isOut && transfer.creditAccountId !== walletId) return false;
  const otherId = isOut ? transfer.creditAccountId : transfer.debitAccountId;
  const otherUserId = isOut ? posted.creditUserId : posted.debitUserId;
  const { kinds, from, before, label, amountFrom, amountTo } = filter;
  return (
    (kinds?.includes(transfer.kind) ?? true) &&
    (from === undefined || transfer.createdAt >= from) &&
    (before === undefined || transfer.createdAt < before) &&
    (amountFrom === undefined || transfer.amount >= amountFrom) &&
    (amountTo === undefined || transfer.amount <= amountTo) &&
    [undefined, otherId].includes(filter.counterpartyWalletId) &&
    [undefined, otherUserId].includes(filter.counterpartyUserId) &&
    (!label ||
      annotation?.labels.some(({ key, value }) => key === label.key && value === label.value) === true)
  );
}
