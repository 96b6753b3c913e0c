// Shows a transfer to the users on its sides; to anyone else it does not exist.
import { findTransferAnywhere, findTransfersAnywhere } from '../../db/archive/reads.ts';
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
  const posted = await core.lookUp((db) =>
    findTransferAnywhere({ reads: db, archive: core.archive }, transferId),
  );
  if (!posted || (posted.debitUserId !== userId && posted.creditUserId !== userId)) {
    throw refuseField('TRANSFER_NOT_FOUND', field);
  }
  return posted;
}

/** The transfers of one batch by their ids, whoever may see them. */
export function findTransfersOf(
  { reads, archive }: Core,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PostedTransfer>> {
  return findTransfersAnywhere({ reads, archive }, ids);
}
