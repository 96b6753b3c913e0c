// The SQL of reads: what the repositories and the archive ask, each statement over a pool or a single connection. What may be
// read from a replica takes a Reader; what must come from the primary takes a Pool.

export { findAnnotations, findSubject } from './annotations.ts';
export {
  findHold,
  findHoldsOfPots,
  type GiftSides,
  type HoldList,
  type HoldPlace,
  type HoldView,
  listAllSetAside,
  listGifts,
  listHolds,
} from './holds.ts';
export {
  type DrawView,
  findDraw,
  findSprinkleById,
  findSprinkleByToken,
  listClaims,
  listRoomSprinkles,
  listSprinkles,
  type SprinklePlace,
  type SprinkleView,
} from './sprinkles.ts';
export { type Figure, readSeries, type SeriesFilter } from './statistics.ts';
export { findToken, hasClaimed, leftMsOf, type TokenView } from './tokens.ts';
export { withHolds } from './transfer-pots.ts';
export {
  type Counterparty,
  findCounterparties,
  findLabeled,
  type Search,
  type SearchedRow,
  searched,
  searchedPage,
  searchTransfers,
  searchValues,
} from './transfer-search.ts';
export {
  FACT_COLUMNS,
  FIRST_ID,
  findFunder,
  findTransfer,
  findTransferFacts,
  findTransfers,
  type ListedAccount,
  type ListedRow,
  lastBalance,
  listRefunds,
  listTransfers,
  type PostedRow,
  selectTransfers,
  type TransferPlace,
  toListed,
  toPosted,
} from './transfers.ts';
export { findDefaultWallet, findLastChange, findWallets, listWallets, type WalletPlace } from './wallets.ts';
