// The refusals of sprinkles that are over or for others, of their ends and of their proofs.
import type { Json } from '../../api-client.ts';
import type { Stack } from '../../stack.ts';
import { by, HAEUN, inRoom, JUNHO, keyed, MINJI, NO_ID, ROOM, type Scene, textIn, won } from './people.ts';
import type { Recorder } from './recorder.ts';

const SERVICE = 'wallet.v2.SprinkleService';
const PLACE = { room_id: ROOM };

/** Refusals in both versions. */
export async function ofEndedSprinkles(record: Recorder, scene: Scene, stack: Stack): Promise<void> {
  const make = async (change: Json = {}) => {
    const wallet_id = scene.wallets.get(MINJI) ?? '';
    const request = { ...PLACE, wallet_id, amount: won(20_000), headcount: 1, ...change };
    const made = await record.call(`${SERVICE}/CreateSprinkle`, request, keyed(MINJI));
    const token = textIn(made, 'sprinkle', 'token');
    return { token, place: { ...PLACE, sprinkle_id: textIn(made, 'sprinkle', 'sprinkle_id') } };
  };
  const [open, chosen, empty, expired, cancelled] = [
    await make(),
    await make({ allowed_user_ids: [String(HAEUN)] }),
    await make(),
    await make(),
    await make(),
  ];
  await record.call(`${SERVICE}/ClaimSprinkle`, { ...PLACE, token: empty.token }, keyed(HAEUN));
  await stack.db.query(
    `UPDATE sprinkles SET created_at = created_at - interval '1 hour', expires_at = expires_at - interval '1 hour' WHERE id = $1`,
    [expired.place.sprinkle_id],
  );
  await record.call(`${SERVICE}/CancelSprinkle`, cancelled.place, keyed(MINJI));
  const cancel = `${SERVICE}/CancelSprinkle`;
  const none = { ...PLACE, sprinkle_id: NO_ID };
  await record.refused('SPRINKLE_NOT_FOUND', cancel, none, keyed(MINJI));
  await record.refused('SPRINKLE_EMPTY', cancel, empty.place, keyed(MINJI));
  await record.refused('SPRINKLE_EXPIRED', cancel, expired.place, keyed(MINJI));
  await record.refused('SPRINKLE_CANCELLED', cancel, cancelled.place, keyed(MINJI));
  for (const [reason, { token }] of [
    ['SPRINKLE_CANCELLED', cancelled],
    ['SPRINKLE_FOR_OTHERS', chosen],
  ] as const) {
    await record.refused(reason, `${SERVICE}/ClaimSprinkle`, { ...PLACE, token }, keyed(JUNHO));
    await record.refused(reason, 'wallet.v1.SprinkleService/ClaimSprinkle', { token }, inRoom(JUNHO));
  }
  await record.refused(
    'ROOM_NOT_FOUND',
    `${SERVICE}/ListRoomSprinkles`,
    { room_id: 'nowhere', page_size: 10 },
    by(MINJI),
  );
  await ofProofs(record, open.place, none, stack);
}

async function ofProofs(record: Recorder, open: Json, none: Json, stack: Stack): Promise<void> {
  const proof = `${SERVICE}/GetSprinkleProof`;
  await record.refused('SPRINKLE_NOT_FOUND', proof, none, by(MINJI));
  await record.refused('SPRINKLE_OPEN', proof, open, by(MINJI));
  // As a release without proofs made it.
  await stack.db.query(
    `UPDATE sprinkles SET sealed_seed = NULL, commitment = NULL, draw_chain = NULL, share_mode = NULL, share_floor = NULL,
      share_ceiling = NULL WHERE id = $1`,
    [open.sprinkle_id],
  );
  await record.refused('SPRINKLE_WITHOUT_PROOF', proof, open, by(MINJI));
}
