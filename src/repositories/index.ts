// One door to what use cases read: a repository for each kind of thing decides inside whether the cache, the replica, the
// archive or the primary answers. Use cases never see a pool, a replica or a cache entry.

export {
  type AdminRepositories,
  type AuditRepository,
  createAdminRepositories,
  type JobRepository,
  type StatisticsRepository,
} from './admin.ts';
export { createNonceRepository, type NonceRepository } from './nonces.ts';
export { createPayoutRepository, type PayoutRepository } from './payouts.ts';
export { createRoomRepository, createUserRepository } from './people.ts';
export type { ReadSources } from './sources.ts';
export {
  createSprinkleRepository,
  type SprinkleRepository,
  type SprinkleWithClaims,
} from './sprinkles.ts';
export { createStoredAnswerRepository, type StoredAnswerRepository } from './stored-answers.ts';
export { createTransferRepository, type TransferRepository } from './transfers.ts';
export { createWalletRepository, type WalletRepository } from './wallets.ts';
