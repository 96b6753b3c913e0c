// The SQL of reads: what the repositories and the archive ask, each statement over a pool or a single connection. What may be
// read from a replica takes a Reader; what must come from the primary takes a Pool.

export {
  findSprinkleById,
  findSprinkleByToken,
  listClaims,
  listSprinkles,
  type SprinklePlace,
  type SprinkleView,
} from './sprinkles.ts';
export { type Figure, readSeries, type SeriesFilter } from './statistics.ts';
export { findToken, hasClaimed, leftMsOf, type TokenView } from './tokens.ts';
export {
  FIRST_ID,
  findTransfer,
  findTransfers,
  lastBalance,
  listTransfers,
  type TransferFilter,
  type TransferPlace,
} from './transfers.ts';
export { findDefaultWallet, findWallets, listWallets, type WalletPlace } from './wallets.ts';
