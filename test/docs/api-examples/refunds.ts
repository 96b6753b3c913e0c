// The examples of refunds by receivers, and a refusal for each of their reasons.
import type { Identity, Json } from '../../api-client.ts';
import { by, dollars, HAEUN, JUNHO, keyed, MINJI, NO_ID, RICH, type Scene, SORA, won } from './people.ts';
import type { Recorder } from './recorder.ts';

const [REFUND, LIST] = ['wallet.v2.TransferService/RefundTransfer', 'wallet.v2.TransferService/ListRefunds'];
const TRANSFER = 'wallet.v1.WalletService/Transfer';

/** Junho gives back a part of what lunch cost. */
export async function refunds(record: Recorder, scene: Scene): Promise<void> {
  const request = { transfer_id: scene.lunch, amount: won(5_000), reason: 'You paid too much' };
  await record.done(REFUND, request, keyed(JUNHO, 'lunch-refund'));
  await record.done(LIST, { transfer_id: scene.lunch }, by(MINJI));
}

type Wanted = readonly [reason: string, rpc: string, request: Json, identity: Identity];

/** Of refunds. */
export async function ofRefunds(record: Recorder, scene: Scene): Promise<void> {
  const lunch = { transfer_id: scene.lunch };
  const none = { transfer_id: NO_ID };
  // Sora has spent what she is to give back.
  const paid = await record.call(TRANSFER, { to_user_id: String(SORA), amount: '1000' }, keyed(MINJI));
  await record.call(TRANSFER, { to_user_id: String(JUNHO), amount: '1000' }, keyed(SORA));
  const spent = { transfer_id: paid.transaction_id ?? '' };
  const wanted: readonly Wanted[] = [
    ['TRANSFER_NOT_FOUND', REFUND, none, keyed(JUNHO)],
    ['TRANSFER_NOT_REFUNDABLE', REFUND, lunch, keyed(MINJI)],
    ['REFUND_EXCEEDS_TRANSFER', REFUND, { ...lunch, amount: won(10_000) }, keyed(JUNHO)],
    [
      'UNKNOWN_CURRENCY',
      REFUND,
      { ...lunch, amount: { currency_code: 'TRY', minor_units: '1000' } },
      keyed(JUNHO),
    ],
    ['CURRENCY_MISMATCH', REFUND, { ...lunch, amount: dollars(1000) }, keyed(JUNHO)],
    ['BALANCE_TOO_LOW', REFUND, spent, keyed(SORA)],
    ['TRANSFER_NOT_FOUND', LIST, none, by(MINJI)],
  ];
  for (const [reason, rpc, request, identity] of wanted) await record.refused(reason, rpc, request, identity);
}

/** A transfer of the rich user, whose wallet is about to be filled. */
export async function paymentOfRich(record: Recorder): Promise<Json> {
  const paid = await record.call(TRANSFER, { to_user_id: String(HAEUN), amount: '3000' }, keyed(RICH));
  return { transfer_id: paid.transaction_id ?? '' };
}

/** The refund that a full wallet cannot take. */
export async function refundToFull(record: Recorder, payment: Json): Promise<void> {
  await record.refused('BALANCE_TOO_HIGH', REFUND, payment, keyed(HAEUN));
}
