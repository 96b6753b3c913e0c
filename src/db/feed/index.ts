// The feed: the one order of everything that is told (migration 0151). seal.ts is the worker's side; entries.ts, events.ts, leaves.ts
// and state.ts read. Other folders import this file only.

export { type EventSources, readAnnouncedEvents, readEvents } from './events.ts';
export { isUnsealed, type LeafTransfer, leafOf, readSealedTransfers, type SealedTransfer } from './leaves.ts';
export { AccountOwners } from './owners.ts';
export { announceExpiringKeys, purgeEvents, sealFeed, sealLagSeconds } from './seal.ts';
export { checkAt, checkPlace, type FeedEnd, type PlaceState, readFeedEnd } from './state.ts';
