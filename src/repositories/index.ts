// One door to what use cases read: a repository for each kind of thing decides inside whether the cache, the replica, the
// archive or the primary answers. Use cases never see a pool, a replica or a cache entry.

export { QUIET } from '../resilience/index.ts';
export { type AccountRepository, type AccountSources, createAccountRepository } from './accounts.ts';
export {
  type AdminReads,
  type AdminRepositories,
  createAdminRepositories,
} from './admin.ts';
export { type AnnotationRepository, createAnnotationRepository } from './annotations.ts';
export { createEventRepository, type EventRepository } from './events.ts';
export { createHoldRepository, type HoldRepository } from './holds.ts';
export { createNonceRepository, type NonceRepository } from './nonces.ts';
export { createPayoutRepository, type PayoutRepository } from './payouts.ts';
export { createRoomRepository, createUserRepository } from './people.ts';
export { createReceiptRepository, type ProvenTransfer, type ReceiptRepository } from './receipts.ts';
export {
  createSprinkleRepository,
  type DrawWithClaims,
  type SprinkleMark,
  type SprinkleRepository,
  type SprinkleWithClaims,
} from './sprinkles.ts';
export { createStoredAnswerRepository, type StoredAnswerRepository } from './stored-answers.ts';
export { createTransferRepository, type TransferRepository } from './transfers.ts';
export { createWalletRepository, type WalletRepository } from './wallets.ts';
export {
  createWatchRepository,
  type WalletChange,
  type WalletPresent,
  type WatchRepository,
} from './watches.ts';
export { createWebhookRepository, type WebhookRepository } from './webhooks.ts';
