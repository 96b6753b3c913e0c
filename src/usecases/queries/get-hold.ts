// Reads holds and gifts for those who take part in them.
import type { GiftSides, HoldList, HoldPlace, HoldView } from '../../db/reads/index.ts';
import { type Hold, type HoldKind, isPartOf } from '../../domain/hold.ts';
import type { WalletRef } from '../../domain/intent.ts';
import type { Page } from '../../domain/page.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';
import { getWallet } from './get-wallets.ts';

export type { GiftSides, HoldView } from '../../db/reads/index.ts';

const NOT_FOUND = { hold: 'HOLD_NOT_FOUND', gift: 'GIFT_NOT_FOUND' } as const satisfies Record<
  HoldKind,
  string
>;

/**
 * A hold, or gift, of which the acting user is the holder or the receiver. Each is found as what it is only. Refuses
 * HOLD_NOT_FOUND, GIFT_NOT_FOUND.
 */
export async function getHoldView(
  { holds }: Core,
  userId: bigint,
  id: string,
  kind: HoldKind = 'hold',
): Promise<HoldView> {
  const view = await holds.find(id);
  if (view?.hold.kind !== kind || !isPartOf(view.hold, userId)) {
    throw refuseField(NOT_FOUND[kind], `${kind}_id`);
  }
  return view;
}

/** The same, without the moment at which it was read. */
export async function getHold(core: Core, userId: bigint, id: string, kind?: HoldKind): Promise<Hold> {
  return (await getHoldView(core, userId, id, kind)).hold;
}

/**
 * The holds on a wallet of the acting user and those that would be paid into it, newest first, one page. Refuses
 * WALLET_NOT_FOUND.
 */
export async function listHolds(
  core: Core,
  userId: bigint,
  ref: WalletRef,
  page: HoldList,
): Promise<Page<HoldView, HoldPlace>> {
  const { id } = await getWallet(core, userId, ref);
  return core.holds.list(id, page);
}

/** The gifts that the acting user sent, may receive, or both, newest first, one page. */
export function listGifts(
  { holds }: Core,
  userId: bigint,
  sides: GiftSides,
  page: HoldList,
): Promise<Page<HoldView, HoldPlace>> {
  return holds.listGifts(userId, sides, page);
}
