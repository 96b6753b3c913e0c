// wallet.v2.ReceiptService: proofs of the transparency log.
import { ReceiptParty, type ReceiptServiceService } from '../../../gen/ts/wallet/v2/receipt_service.ts';
import {
  type Core,
  getCheckpoint,
  getReceipt,
  proveConsistency,
  type Receipt,
} from '../../usecases/index.ts';
import type { Handlers } from '../handlers.ts';

/** The handlers of wallet.v2.ReceiptService. */
export const receiptService = (core: Core): Handlers<typeof ReceiptServiceService> => ({
  async getReceipt({ transferId }, { userId }) {
    return { receipt: toReceipt(await getReceipt(core, userId, transferId.toLowerCase()), userId) };
  },

  async getCheckpoint() {
    const { note, verifiers } = await getCheckpoint(core);
    return { checkpoint: note, publicKeys: [...verifiers] };
  },

  async getConsistencyProof({ fromSize, toSize }) {
    return { proof: (await proveConsistency(core, fromSize, toSize)).map(Buffer.from) };
  },
});

function toReceipt({ posted, proven }: Receipt, userId: bigint) {
  const { transfer, debitUserId, creditUserId } = posted;
  const parties = [
    { party: ReceiptParty.DEBIT, userId: debitUserId, id: transfer.debitAccountId, salt: proven.debitSalt },
    {
      party: ReceiptParty.CREDIT,
      userId: creditUserId,
      id: transfer.creditAccountId,
      salt: proven.creditSalt,
    },
  ];
  return {
    leaf: proven.text,
    leafIndex: BigInt(proven.leaf),
    sides: parties
      .filter((side) => side.userId === userId)
      .map(({ party, id, salt }) => ({ party, userId, walletId: id, salt: Buffer.from(salt) })),
    inclusionProof: proven.proof.map(Buffer.from),
    checkpoint: proven.checkpoint,
  };
}
