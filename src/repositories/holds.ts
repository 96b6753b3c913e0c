// Holds and gifts, from the primary: who ends one has to see how it stands.
import {
  findHold,
  type GiftSides,
  type HoldList,
  type HoldPlace,
  type HoldView,
  listAllSetAside,
  listGifts,
  listHolds,
} from '../db/reads/index.ts';
import type { Page } from '../domain/page.ts';
import type { ReadSources } from './sources.ts';

/** Reads holds and gifts. Everything throws what Postgres does. */
export interface HoldRepository {
  /** Undefined when there is no hold and no gift with this id. */
  find(id: string): Promise<HoldView | undefined>;
  /** The holds on a wallet and those that would be paid into it, newest first, one page. */
  list(walletId: string, page: HoldList): Promise<Page<HoldView, HoldPlace>>;
  /** The same, and gifts. */
  listAll(walletId: string, page: HoldList): Promise<Page<HoldView, HoldPlace>>;
  /** The gifts that a user sent, may receive, or both, newest first, one page. */
  listGifts(userId: bigint, sides: GiftSides, page: HoldList): Promise<Page<HoldView, HoldPlace>>;
}

export function createHoldRepository({ primary }: Pick<ReadSources, 'primary'>): HoldRepository {
  return {
    find: (id) => findHold(primary, id),
    list: (walletId, page) => listHolds(primary, walletId, page),
    listAll: (walletId, page) => listAllSetAside(primary, walletId, page),
    listGifts: (userId, sides, page) => listGifts(primary, userId, sides, page),
  };
}
