// A wallet that is watched while it is paid from, and a sprinkle that is watched while it is claimed.
import { connect } from '../../../clients/typescript/src/connection.ts';
import type { Identity, Json } from '../../api-client.ts';
import type { Stack } from '../../stack.ts';
import { by, HAEUN, JUNHO, keyed, MINJI, NO_ID, ROOM, type Scene, textIn, won } from './people.ts';
import type { Recorder } from './recorder.ts';

const WALLET = 'wallet.v2.WalletService/WatchWallet';
const SPRINKLE = 'wallet.v2.SprinkleService/WatchSprinkle';

/** Watches until the second message; what leads to it happens after the first one. */
async function watched(
  record: Recorder,
  stack: Stack,
  [rpc, request, identity]: readonly [rpc: string, request: Json, identity: Identity],
  happen: () => Promise<unknown>,
): Promise<void> {
  const connection = connect(stack.grpcAddress, stack.key);
  const messages: Json[] = [];
  for await (const message of connection.stream(rpc, request, identity)) {
    messages.push(message);
    if (messages.length === 2) break;
    await happen();
  }
  connection.close();
  record.keep(rpc, request, identity, messages);
}

/** The stream of a wallet, from its beginning to the second message. */
export async function watchedWallets(record: Recorder, scene: Scene, stack: Stack): Promise<void> {
  const request = { wallet_id: scene.wallets.get(MINJI) ?? '' };
  const taxi = { debit_wallet_id: request.wallet_id, credit_user_id: String(JUNHO), amount: won(9800) };
  await watched(record, stack, [WALLET, request, by(MINJI)], () =>
    record.call('wallet.v2.TransferService/CreateTransfer', taxi, keyed(MINJI, 'taxi-2026-01')),
  );
  await record.refused('WALLET_NOT_FOUND', WALLET, { wallet_id: NO_ID }, by(MINJI));
}

/** The stream of a sprinkle, from its beginning to its end. */
export async function watchedSprinkles(record: Recorder, scene: Scene, stack: Stack): Promise<void> {
  const service = 'wallet.v2.SprinkleService';
  const room = { room_id: ROOM };
  const wish = { ...room, wallet_id: scene.wallets.get(MINJI) ?? '', amount: won(20_000), headcount: 1 };
  const made = await record.call(`${service}/CreateSprinkle`, wish, keyed(MINJI));
  const request = { ...room, sprinkle_id: textIn(made, 'sprinkle', 'sprinkle_id') };
  const claim = { ...room, token: textIn(made, 'sprinkle', 'token') };
  await watched(record, stack, [SPRINKLE, request, by(JUNHO)], () =>
    record.call(`${service}/ClaimSprinkle`, claim, keyed(HAEUN)),
  );
  await record.refused('SPRINKLE_NOT_FOUND', SPRINKLE, { ...room, sprinkle_id: NO_ID }, by(JUNHO));
}
