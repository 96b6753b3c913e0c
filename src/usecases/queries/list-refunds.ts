// Lists the refunds of a transfer for the users on its sides.
import type { TransferPlace } from '../../db/reads/index.ts';
import type { Page } from '../../domain/page.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { Core } from '../core.ts';
import { getTransfer } from './get-transfer.ts';

/** Newest first, one page. Refuses TRANSFER_NOT_FOUND. */
export async function listRefunds(
  core: Core,
  userId: bigint,
  transferId: string,
  after: TransferPlace | undefined,
  size: number,
): Promise<Page<PostedTransfer, TransferPlace>> {
  await getTransfer(core, userId, transferId, 'transfer_id');
  return core.transfers.listRefunds(transferId, after, size);
}
