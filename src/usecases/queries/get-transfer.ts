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
  const posted = await core.transfers.find(transferId);
  if (!posted || (posted.debitUserId !== userId && posted.creditUserId !== userId)) {
    throw refuseField('TRANSFER_NOT_FOUND', field);
  }
  return posted;
}

/** The transfers of one batch by their ids, without a check of who may see them. */
export function findTransfersOf(
  { transfers }: Core,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PostedTransfer>> {
  return transfers.findMany(ids);
}
