// Reads a transfer for the users on its sides; for others it does not exist.
import { refuseField } from '../../domain/refusal.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { Core } from '../core.ts';

/** Refuses TRANSFER_NOT_FOUND. */
export async function getTransfer(
  core: Core,
  userId: bigint,
  transferId: string,
  field: string,
): Promise<PostedTransfer> {
  return shownTo(userId, await core.transfers.find(transferId), field);
}

/** What was found, if it is on a side of the user's, or has a reference or labels of the user's. Refuses TRANSFER_NOT_FOUND. */
export function shownTo(userId: bigint, posted: PostedTransfer | undefined, field: string): PostedTransfer {
  const sees = [posted?.debitUserId, posted?.creditUserId, posted?.annotation?.userId];
  if (!posted || !sees.includes(userId)) throw refuseField('TRANSFER_NOT_FOUND', field);
  return posted;
}

/** The transfers of one batch by their ids, without a check of who may see them. */
export function findTransfersOf(
  { transfers }: Core,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PostedTransfer>> {
  return transfers.findMany(ids);
}
