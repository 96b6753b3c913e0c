// What callers and jobs can do, in words of the domain: commands/ change something, queries/ only read.
//
// A command that moves money is a LedgerCommand: it states its read set and decides, without I/O, and the ledger executes
// it. Everything else is an async function over the dependencies in core.ts. Other folders import this file only.

export { addPayoutLines } from './commands/add-payout-lines.ts';
export {
  type CreateKeyInput,
  createApiKey,
  resealSecrets,
  revokeApiKey,
  rotateApiKey,
  setAllowedNetworks,
} from './commands/api-keys.ts';
export {
  type BatchMode,
  type BatchTransfersOutcome,
  batchCreateTransfers,
  isPosted,
  itemField,
  type PostedItem,
  type RefusedItem,
} from './commands/batch-create-transfers.ts';
export { claimShare } from './commands/claim-sprinkle.ts';
export { createPayout } from './commands/create-payout.ts';
export { type CreatedSprinkle, createSprinkle } from './commands/create-sprinkle.ts';
export { type CreateTransferIntent, createTransfer } from './commands/create-transfer.ts';
export { createWallet } from './commands/create-wallet.ts';
export { deposit } from './commands/deposit.ts';
export { cancelPayout, finishPayout } from './commands/end-payout.ts';
export { pauseJob, replayDeadLetters, resumeJob, runJobNow } from './commands/jobs.ts';
export { finishKey, payLinesKey, payPayoutLines } from './commands/pay-payout-lines.ts';
export { type RefundedSprinkle, refundKey, refundSprinkle } from './commands/refund-sprinkle.ts';
export { addMember, createRoom, removeMember, updateRoom } from './commands/rooms.ts';
export { spendNonce } from './commands/spend-nonce.ts';
export { startPayout } from './commands/start-payout.ts';
export { addFriend, createUser, removeFriend, updateUser } from './commands/users.ts';
export { withdraw } from './commands/withdraw.ts';
export type { AdminCore, Core, KeyAdmin } from './core.ts';
export { getApiKey, listApiKeys } from './queries/api-keys.ts';
export { getBalance } from './queries/get-balance.ts';
export { getOutcome, type KeyOutcome } from './queries/get-outcome.ts';
export { getPayout, listPayoutFailures } from './queries/get-payout.ts';
export {
  getSprinkleById,
  getSprinkleByToken,
  listOwnSprinkles,
  type SprinkleView,
} from './queries/get-sprinkle.ts';
export { getStatistics } from './queries/get-statistics.ts';
export { findTransfersOf, getTransfer } from './queries/get-transfer.ts';
export { getWallet, getWallets, listOwnWallets } from './queries/get-wallets.ts';
export { jobState, listDeadLetters, listJobs } from './queries/jobs.ts';
export { listActs } from './queries/list-acts.ts';
export { listTransactions, type Transaction } from './queries/list-transactions.ts';
export { getRoom, listMembers } from './queries/rooms.ts';
export { getUser, listFriendRequests, listFriends } from './queries/users.ts';
export { watchPayout } from './queries/watch-payout.ts';
