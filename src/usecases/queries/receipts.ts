// Proves transfers to those who may see them, and the log to everybody.
import type { LocalizedText } from '../../domain/localized-text.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { ProvenTransfer } from '../../repositories/index.ts';
import type { Core } from '../core.ts';
import { getTransfer } from './get-transfer.ts';

/** A receipt, and the transfer that it is for. */
export interface Receipt {
  readonly posted: PostedTransfer;
  readonly proven: ProvenTransfer;
}

/** How long a caller waits for a checkpoint that has a transfer of now, in milliseconds. */
const RETRY_AFTER_MS = 10_000;

/** Refuses TRANSFER_NOT_FOUND, RECEIPT_NOT_READY, TRANSFER_PREDATES_LOG. */
export async function getReceipt(core: Core, userId: bigint, transferId: string): Promise<Receipt> {
  const posted = await getTransfer(core, userId, transferId, 'transfer_id');
  const proven = await core.receipts.prove(posted);
  if (proven === 'never') throw refuseField('TRANSFER_PREDATES_LOG', 'transfer_id');
  if (proven === 'too early') throw notReady();
  return { posted, proven };
}

/** The newest signed note with its size, and the log's public keys. Refuses RECEIPT_NOT_READY where nothing was signed yet. */
export async function getCheckpoint({ receipts }: Core) {
  const checkpoint = await receipts.checkpoint();
  if (!checkpoint) throw notReady();
  return checkpoint;
}

/** Refuses RECEIPT_NOT_READY; INVALID_FIELD for sizes that the log does not have, or in the wrong order. */
export async function proveConsistency(core: Core, from: bigint, to: bigint): Promise<readonly Uint8Array[]> {
  const { size } = await getCheckpoint(core);
  if (to > BigInt(size)) throw refuseField('INVALID_FIELD', 'to_size', upTo(String(size)));
  if (from > to) throw refuseField('INVALID_FIELD', 'from_size', upTo('to_size'));
  return core.receipts.proveConsistency(Number(from), Number(to));
}

const notReady = () => new Refusal('RECEIPT_NOT_READY', { retryAfterMs: RETRY_AFTER_MS });

const upTo = (most: string): LocalizedText => ({
  en: `must be at most ${most}`,
  ko: `${most} 이하여야 합니다`,
});
