// What callers and jobs can do, in words of the domain: commands/ change something, queries/ only read.
//
// A command that moves money is a LedgerCommand: it states its read set and decides, without I/O, and the ledger executes
// it. Everything else is an async function over the dependencies in core.ts. Other folders import this file only.

export {
  type ActLine,
  auditedAct,
  auditedRead,
  isAudited,
  type ReadState,
} from './audited-act.ts';
export { addPayoutLines } from './commands/add-payout-lines.ts';
export {
  type CreateKeyInput,
  createApiKey,
  resealSecrets,
  revokeApiKey,
  rotateApiKey,
  setAllowedNetworks,
} from './commands/api-keys.ts';
export { approveAct } from './commands/approve-act.ts';
export {
  type BatchMode,
  type BatchTransfersOutcome,
  batchCreateTransfers,
  isPosted,
  itemField,
  type PostedItem,
  type RefusedItem,
} from './commands/batch-create-transfers.ts';
export { type CancelledSprinkle, cancelSprinkle } from './commands/cancel-sprinkle.ts';
export { closeWallet, updateWallet } from './commands/change-wallet.ts';
export { claimShare } from './commands/claim-sprinkle.ts';
export { type CreatedHold, createHold } from './commands/create-hold.ts';
export { createPayout } from './commands/create-payout.ts';
export { createSprinkle, type SprinkleWishes } from './commands/create-sprinkle.ts';
export { type CreateTransferIntent, createTransfer } from './commands/create-transfer.ts';
export { createWallet } from './commands/create-wallet.ts';
export { type DepositIntent, deposit } from './commands/deposit.ts';
export {
  type CapturedHold,
  captureHold,
  expireHold,
  expiryKey,
  type VoidedHold,
  voidHold,
} from './commands/end-hold.ts';
export { cancelPayout, finishPayout } from './commands/end-payout.ts';
export { freeze, reopenWallet, unfreeze } from './commands/freeze.ts';
export {
  type AcceptedGift,
  acceptGift,
  cancelGift,
  createGift,
  declineGift,
} from './commands/gifts.ts';
export { pauseJob, replayDeadLetters, resumeJob, runJobNow } from './commands/jobs.ts';
export {
  applyPreset,
  deletePolicy,
  type OverrideInput,
  putOverride,
  putPolicy,
  setTier,
} from './commands/limits.ts';
export { finishKey, payLinesKey, payPayoutLines } from './commands/pay-payout-lines.ts';
export { startBackup, startDrill } from './commands/recovery.ts';
export { type RefundedSprinkle, refundKey, refundSprinkle } from './commands/refund-sprinkle.ts';
export { type RefundTransferInput, refundTransfer } from './commands/refund-transfer.ts';
export { type ReverseTransferInput, reverseTransfer } from './commands/reverse-transfer.ts';
export { addMember, createRoom, removeMember, updateRoom } from './commands/rooms.ts';
export { spendNonce } from './commands/spend-nonce.ts';
export { startPayout } from './commands/start-payout.ts';
export { addFriend, createUser, removeFriend, updateUser } from './commands/users.ts';
export {
  createWebhook,
  deleteWebhook,
  type RedeliveryInput,
  redeliverEvents,
  resumeWebhook,
  rotateWebhookSecret,
  sendTestEvent,
  updateWebhook,
  type WebhookChangeInput,
  type WebhookInput,
  type WebhookWithSecret,
} from './commands/webhooks.ts';
export { withdraw } from './commands/withdraw.ts';
export type { AdminCore, Core, KeyAdmin, WebhookCore, WebhookTools } from './core.ts';
export { getApiKey, listApiKeys } from './queries/api-keys.ts';
export {
  createStatements,
  type StatementBound,
  type StatementPart,
} from './queries/export-statement.ts';
export { findByReference } from './queries/find-by-reference.ts';
export { type Found, findForOperator, type SearchCore } from './queries/find-for-operator.ts';
export { getBalance } from './queries/get-balance.ts';
export { type GiftSides, getHoldView, type HoldView, listGifts, listHolds } from './queries/get-hold.ts';
export { type CheckedTransfer, checkTransfer, getLimits, type LimitsView } from './queries/get-limits.ts';
export { getOutcome, type KeyOutcome } from './queries/get-outcome.ts';
export { getPayout, listPayoutFailures } from './queries/get-payout.ts';
export {
  getSprinkleById,
  getSprinkleByToken,
  getSprinkleProof,
  listOwnSprinkles,
  listRoomSprinkles,
  type SprinkleProof,
  type SprinkleView,
} from './queries/get-sprinkle.ts';
export { getStatistics } from './queries/get-statistics.ts';
export { findTransfersOf, getTransfer } from './queries/get-transfer.ts';
export { getWallet, getWallets, listOwnWallets } from './queries/get-wallets.ts';
export {
  type DeadLetter,
  type JobView,
  jobState,
  listDeadLetters,
  listJobs,
  oldestDue,
} from './queries/jobs.ts';
export { findPolicy, getPolicy, getUserLimits, listPolicies } from './queries/limits.ts';
export { type KeptAct, listActs } from './queries/list-acts.ts';
export { listRefunds } from './queries/list-refunds.ts';
export { listTransactions, type Transaction } from './queries/list-transactions.ts';
export { listEvents, streamEvents } from './queries/read-events.ts';
export { getCheckpoint, getReceipt, proveConsistency, type Receipt } from './queries/receipts.ts';
export { listBackups, listDrills, type RecoveryCore, walArchive } from './queries/recovery.ts';
export { getRoom, listMembers } from './queries/rooms.ts';
export { type AccountCore, targetStatus } from './queries/target-status.ts';
export { getUser, listFriendRequests, listFriends } from './queries/users.ts';
export { watchPayout } from './queries/watch-payout.ts';
export { watchSprinkle } from './queries/watch-sprinkle.ts';
export { type WalletEvent, watchWallet } from './queries/watch-wallet.ts';
export {
  getWebhook,
  listDeliveries,
  listWebhooks,
  recentDeliveries,
  type WebhookOverview,
  webhookOverviews,
  webhookState,
} from './queries/webhooks.ts';
