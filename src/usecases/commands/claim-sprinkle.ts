// Claims one share of a sprinkle into a wallet of the acting user.

import type { CallInfo, LedgerCommand } from '../../domain/batch/command.ts';
import type { IdempotencyKey, WalletRef } from '../../domain/intent.ts';
import type { Random } from '../../domain/random.ts';
import { refuseField } from '../../domain/refusal.ts';
import { checkClaim, type Sprinkle } from '../../domain/sprinkle.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { Core } from '../core.ts';
import { resolveAndExecute } from './resolve-and-execute.ts';

/** The intent of the caller. */
export interface ClaimSprinkleIntent {
  readonly userId: bigint;
  readonly roomId: string;
  readonly token: string;
  /** The wallet of the user that the share goes to. */
  readonly wallet: WalletRef;
  /** What the user adds to the draw: up to 16 bytes in hexadecimal digits. */
  readonly nonce: string;
}

/**
 * Claims a share. Sprinkles that are over or don't exist are found before the ledger: token guessers and latecomers take no
 * lock and cost it only one read under the key and a mark. Refuses what the command below refuses.
 */
export function claimShare(
  core: Core,
  intent: ClaimSprinkleIntent,
  key: IdempotencyKey,
  call: CallInfo,
): Promise<PostedTransfer> {
  const find = async () => {
    await refuseOver(core, intent);
    return intent;
  };
  return resolveAndExecute(core, claimSprinkle, find, key, call);
}

async function refuseOver(core: Core, { userId, roomId, token }: ClaimSprinkleIntent): Promise<void> {
  const found = await core.sprinkles.findToken(roomId, token);
  if (!found) throw refuseField('SPRINKLE_NOT_FOUND', 'token');
  const { sprinkle, leftMs } = found;
  if (leftMs > 0) return;
  const [member, hasClaimed] = await Promise.all([
    core.rooms.findMember(roomId, userId),
    core.sprinkles.hasClaimed(sprinkle.id, userId),
  ]);
  // A user who has a share may be repeating the call that got it; the ledger has stored its answer.
  if (hasClaimed) return;
  checkClaim(sprinkle, { userId, isMember: member !== undefined, hasClaimed }, sprinkle.expiresAt);
}

/**
 * Refuses SPRINKLE_NOT_FOUND (also to those outside the room), OWN_SPRINKLE, ALREADY_CLAIMED, SPRINKLE_EMPTY,
 * SPRINKLE_EXPIRED,
 * SPRINKLE_CANCELLED, SPRINKLE_FOR_OTHERS, WALLET_NOT_FOUND, USER_NOT_FOUND, CURRENCY_MISMATCH.
 */
export const claimSprinkle: LedgerCommand<ClaimSprinkleIntent, PostedTransfer> = {
  readSet: ({ userId, roomId, token, wallet }) => ({
    wallets: [wallet],
    sprinkle: { roomId, token, claimerUserId: userId },
    members: { roomId, userIds: [userId] },
  }),

  hotRow: ({ roomId, token }) => `sprinkle/${roomId}/${token}`,

  decide({ userId, roomId, token, wallet, nonce }, batch) {
    const credit = batch.accounts.ownWallet(wallet, userId);
    const found = batch.sprinkles.find(roomId, token);
    const isMember = batch.rooms.isMember(roomId, userId);
    const hasClaimed = found !== undefined && batch.sprinkles.hasClaimed(found.id, userId);
    const sprinkle = checkClaim(found, { userId, isMember, hasClaimed }, batch.at);
    if (sprinkle.currency !== credit.currency) {
      const words = {
        en: `the sprinkle pays in ${sprinkle.currency}, the wallet is kept in ${credit.currency}`,
        ko: `뿌리기의 통화는 ${sprinkle.currency}, 지갑의 통화는 ${credit.currency}입니다`,
      };
      throw refuseField('CURRENCY_MISMATCH', wallet.field, words);
    }
    const picked = batch.sprinkles.pick(sprinkle, userId, nonceFor(sprinkle, nonce, batch.random));
    const transfer = batch.transfers.post({
      kind: 'claim',
      debit: batch.accounts.get(sprinkle.potAccountId),
      credit,
      amount: picked.amount,
      sprinkleId: sprinkle.id,
    });
    batch.sprinkles.claim(sprinkle, userId, picked, transfer.id);
    return { transfer, debitUserId: undefined, creditUserId: userId };
  },
};

/** Where amounts are hidden, a link without a nonce would tell who claimed: there are few users to try. */
function nonceFor({ hidesAmounts }: Sprinkle, nonce: string, random: Random): string {
  return nonce === '' && hidesAmounts ? random.uuid().replaceAll('-', '') : nonce;
}
