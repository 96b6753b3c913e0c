// Answers that were kept under idempotency keys, written as the RPCs that gave them write them.
import { SprinkleServiceService as SprinkleV1 } from '../../gen/ts/wallet/v1/sprinkle_service.ts';
import { WalletServiceService as WalletV1 } from '../../gen/ts/wallet/v1/wallet_service.ts';
import { PayoutServiceService as PayoutV2 } from '../../gen/ts/wallet/v2/payout_service.ts';
import { SprinkleServiceService as SprinkleV2 } from '../../gen/ts/wallet/v2/sprinkle_service.ts';
import { TransferServiceService as TransferV2 } from '../../gen/ts/wallet/v2/transfer_service.ts';
import { WalletServiceService as WalletV2 } from '../../gen/ts/wallet/v2/wallet_service.ts';
import { type BatchTransfersOutcome, type Core, findTransfersOf, isPosted } from '../usecases/index.ts';
import * as sprinkleV1 from './v1/sprinkle.ts';
import * as walletV1 from './v1/wallet.ts';
import { toResults } from './v2/batch-transfers.ts';
import * as payoutV2 from './v2/payout.ts';
import * as sprinkleV2 from './v2/sprinkle.ts';
import * as transferV2 from './v2/transfer.ts';
import * as walletV2 from './v2/wallet.ts';

/** Writes the response of an RPC from what its command decided, for the user whose call it was. */
type Write = (outcome: unknown, userId: bigint) => Promise<Buffer> | Buffer;

interface Method<Response> {
  readonly path: string;
  readonly responseSerialize: (response: Response) => Buffer;
}

/** Every RPC that keeps answers, with how it writes them. An outcome is what its own command decided, read back from JSON. */
export function answerWriters(core: Core): ReadonlyMap<string, Write> {
  const writers = new Map<string, Write>();
  const add = <Outcome, Response>(
    { path, responseSerialize }: Method<Response>,
    write: (outcome: Outcome, userId: bigint) => Response | Promise<Response>,
  ) =>
    writers.set(path.slice(1), async (outcome, userId) =>
      responseSerialize(await write(outcome as Outcome, userId)),
    );
  add(WalletV1.charge, walletV1.charged);
  add(WalletV1.transfer, walletV1.transferred);
  add(SprinkleV1.createSprinkle, sprinkleV1.sprinkled);
  add(SprinkleV1.claimSprinkle, sprinkleV1.grabbed);
  add(WalletV2.createWallet, walletV2.opened);
  add(TransferV2.deposit, transferV2.deposited);
  add(TransferV2.withdraw, transferV2.paid);
  add(TransferV2.createTransfer, transferV2.paid);
  add(TransferV2.batchCreateTransfers, async (outcome: BatchTransfersOutcome, userId) => {
    const ids = outcome.results.filter(isPosted).map(({ transferId }) => transferId);
    return { results: toResults(userId, outcome, await findTransfersOf(core, ids)) };
  });
  add(SprinkleV2.createSprinkle, sprinkleV2.sprinkled);
  add(SprinkleV2.claimSprinkle, sprinkleV2.grabbed);
  add(PayoutV2.createPayout, payoutV2.stands);
  add(PayoutV2.startPayout, payoutV2.stands);
  add(PayoutV2.cancelPayout, payoutV2.stands);
  return writers;
}

/** The type of an RPC's response: of package.Service/Rpc it is package.RpcResponse, as buf's lint wants it. */
export function responseTypeOf(rpc: string): string {
  return rpc.replace(/\.\w+\/(\w+)$/, '.$1Response');
}

/** Writes kept answers as google.protobuf.Any; undefined for an RPC that there is not any more. */
export function storedAnswers(core: Core): transferV2.StoredAnswer {
  const writers = answerWriters(core);
  return async (rpc, outcome, userId) => {
    const write = writers.get(rpc);
    if (!write) return undefined;
    return { typeUrl: `type.googleapis.com/${responseTypeOf(rpc)}`, value: await write(outcome, userId) };
  };
}
