// What streams read: how wallets, payouts and sprinkles have changed. One poll of a process serves all streams of
// a kind (src/resilience/poller.ts). Other folders import this file only.

export { findSprinkleMarks, type SprinkleMark } from './sprinkle-marks.ts';
export {
  BEFORE_ALL,
  findPresent,
  readChanges,
  WATCH_PAGE,
  type WalletChange,
} from './wallet-changes.ts';
export { findWalletNews, type Watched } from './wallet-news.ts';
