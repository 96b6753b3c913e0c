// The examples of holds, and a refusal for each of their reasons.
import type { Identity, Json } from '../../api-client.ts';
import type { Stack } from '../../stack.ts';
import { by, dollars, JUNHO, keyed, MINJI, NO_ID, NOBODY, RICH, type Scene, textIn, won } from './people.ts';
import type { Recorder } from './recorder.ts';

const SERVICE = 'wallet.v2.HoldService';

const request = (scene: Scene, change: Json = {}): Json => ({
  ...{ wallet_id: scene.wallets.get(MINJI) ?? '', amount: won(50_000) },
  ...change,
});
const toJunho = { credit_user_id: String(JUNHO) };

/** A hold for a user who captures a part of it, and then gives back the rest. */
export async function holds(record: Recorder, scene: Scene): Promise<void> {
  const asked = request(scene, { ...toJunho, reason: 'Deposit for the skis', reference: 'skis' });
  const made = await record.done(`${SERVICE}/CreateHold`, asked, keyed(MINJI, 'skis-hold'));
  const hold = { hold_id: textIn(made, 'hold', 'hold_id') };
  const part = { ...hold, amount: won(20_000) };
  await record.done(`${SERVICE}/CaptureHold`, part, keyed(JUNHO, 'skis-capture'));
  await record.done(`${SERVICE}/GetHold`, hold, by(MINJI));
  const open = { wallet_id: scene.wallets.get(MINJI) ?? '', states: ['HOLD_STATE_OPEN'] };
  await record.done(`${SERVICE}/ListHolds`, open, by(MINJI));
  await record.done(`${SERVICE}/VoidHold`, hold, keyed(JUNHO, 'skis-void'));
}

type Wanted = readonly [reason: string, rpc: string, request: Json, identity: Identity];

/** Of holds. */
export async function ofHolds(record: Recorder, scene: Scene, stack: Stack): Promise<void> {
  const idOf = async (change: Json = {}) => {
    const made = await record.call(`${SERVICE}/CreateHold`, request(scene, change), keyed(MINJI));
    return { hold_id: textIn(made, 'hold', 'hold_id') };
  };
  const named = await idOf(toJunho);
  const open = await idOf();
  const captured = await idOf(toJunho);
  const voided = await idOf();
  const expired = await idOf(toJunho);
  await record.call(`${SERVICE}/CaptureHold`, captured, keyed(JUNHO));
  await record.call(`${SERVICE}/VoidHold`, voided, keyed(MINJI));
  await stack.db.query('UPDATE holds SET expires_at = created_at WHERE id = $1', [expired.hold_id]);
  const lira = { currency_code: 'TRY', minor_units: '1000' };
  const none = { hold_id: NO_ID };
  const create = (reason: string, change: Json): Wanted => [
    reason,
    `${SERVICE}/CreateHold`,
    request(scene, change),
    keyed(MINJI),
  ];
  const capture = (reason: string, change: Json, user = MINJI): Wanted => [
    reason,
    `${SERVICE}/CaptureHold`,
    change,
    keyed(user),
  ];
  const wanted: readonly Wanted[] = [
    create('WALLET_NOT_FOUND', { wallet_id: NO_ID }),
    create('REFERENCE_REUSED', { reference: 'skis' }),
    create('USER_NOT_FOUND', { credit_user_id: String(NOBODY) }),
    create('SELF_TRANSFER', { credit_user_id: String(MINJI) }),
    create('UNKNOWN_CURRENCY', { amount: lira }),
    create('CURRENCY_MISMATCH', { amount: dollars(1000) }),
    create('BALANCE_TOO_LOW', { amount: won(900_000_000) }),
    capture('HOLD_NOT_FOUND', none),
    capture('HOLD_HAS_RECEIVER', named),
    capture('HOLD_CAPTURED', captured, JUNHO),
    capture('HOLD_VOIDED', { ...voided, ...toJunho }),
    capture('HOLD_EXPIRED', expired, JUNHO),
    capture('HOLD_AMOUNT_EXCEEDED', { ...named, amount: won(60_000) }, JUNHO),
    capture('WALLET_NOT_FOUND', { ...open, credit_wallet_id: NO_ID }),
    capture('USER_NOT_FOUND', { ...open, credit_user_id: String(NOBODY) }),
    capture('SELF_TRANSFER', { ...open, credit_user_id: String(MINJI) }),
    capture('UNKNOWN_CURRENCY', { ...open, ...toJunho, amount: lira }),
    capture('CURRENCY_MISMATCH', { ...open, credit_wallet_id: scene.dollars }),
    ['HOLD_NOT_FOUND', `${SERVICE}/VoidHold`, none, keyed(MINJI)],
    ['HOLD_CAPTURED', `${SERVICE}/VoidHold`, captured, keyed(MINJI)],
    ['HOLD_VOIDED', `${SERVICE}/VoidHold`, voided, keyed(MINJI)],
    ['HOLD_EXPIRED', `${SERVICE}/VoidHold`, expired, keyed(MINJI)],
    ['HOLD_NOT_FOUND', `${SERVICE}/GetHold`, none, by(MINJI)],
    ['WALLET_NOT_FOUND', `${SERVICE}/ListHolds`, { wallet_id: NO_ID }, by(MINJI)],
  ];
  for (const [reason, rpc, asked, identity] of wanted) await record.refused(reason, rpc, asked, identity);
}

/** A hold on the wallet of the rich user, which is about to be filled. */
export async function holdOfRich(record: Recorder, scene: Scene): Promise<Json> {
  const asked = { ...request(scene, { amount: won(5_000) }), wallet_id: scene.wallets.get(RICH) ?? '' };
  const made = await record.call(`${SERVICE}/CreateHold`, asked, keyed(RICH));
  return { hold_id: textIn(made, 'hold', 'hold_id') };
}

/** The refusals of holds for a wallet that is full; `ofRich` is one on that wallet. */
export async function holdsForFull(record: Recorder, scene: Scene, ofRich: Json): Promise<void> {
  const made = await record.call(`${SERVICE}/CreateHold`, request(scene), keyed(MINJI));
  const toRich = { hold_id: textIn(made, 'hold', 'hold_id'), credit_user_id: String(RICH) };
  await record.refused('BALANCE_TOO_HIGH', `${SERVICE}/CaptureHold`, toRich, keyed(MINJI));
  await record.refused('BALANCE_TOO_HIGH', `${SERVICE}/VoidHold`, ofRich, keyed(RICH));
}
