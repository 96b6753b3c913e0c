// Which holds and gifts transfers belong to, by the pots that they go into and come out of.
import { HOLD_TRANSFERS } from '../../domain/hold.ts';
import type { PostedTransfer, TransferKind } from '../../domain/transfer.ts';
import type { Reader } from '../pool.ts';
import { findHoldsOfPots } from './holds.ts';

/** Transfers between a wallet and the pot of a hold or a gift. */
const HOLD_KINDS: ReadonlySet<TransferKind> = new Set(Object.values(HOLD_TRANSFERS.hold));
const GIFT_KINDS: ReadonlySet<TransferKind> = new Set(Object.values(HOLD_TRANSFERS.gift));
const FUNDING_KINDS: ReadonlySet<TransferKind> = new Set([
  HOLD_TRANSFERS.hold.fund,
  HOLD_TRANSFERS.gift.fund,
]);

/** Names the holds and gifts that transfers belong to: a pot belongs to one. */
export async function withHolds(db: Reader, posted: readonly PostedTransfer[]): Promise<PostedTransfer[]> {
  const potOf = ({ transfer }: PostedTransfer) =>
    FUNDING_KINDS.has(transfer.kind) ? transfer.creditAccountId : transfer.debitAccountId;
  const pots = posted
    .filter(({ transfer: { kind } }) => HOLD_KINDS.has(kind) || GIFT_KINDS.has(kind))
    .map(potOf);
  if (pots.length === 0) return [...posted];
  const holds = await findHoldsOfPots(db, pots);
  return posted.map((one) => {
    const id = holds.get(potOf(one));
    if (id === undefined) return one;
    return GIFT_KINDS.has(one.transfer.kind) ? { ...one, giftId: id } : { ...one, holdId: id };
  });
}
