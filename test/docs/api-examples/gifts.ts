// The examples of gifts, and a refusal for each of their reasons.
import type { Identity, Json } from '../../api-client.ts';
import type { Stack } from '../../stack.ts';
import { by, dollars, JUNHO, keyed, MINJI, NO_ID, NOBODY, RICH, type Scene, textIn, won } from './people.ts';
import type { Recorder } from './recorder.ts';

const SERVICE = 'wallet.v2.GiftService';
const [CREATE, ACCEPT] = [`${SERVICE}/CreateGift`, `${SERVICE}/AcceptGift`];
const [DECLINE, CANCEL] = [`${SERVICE}/DeclineGift`, `${SERVICE}/CancelGift`];

const toJunho = { credit_user_id: String(JUNHO), amount: won(3_000) };

/** A gift that is accepted, one that is declined, and one that is cancelled. */
export async function gifts(record: Recorder): Promise<void> {
  const labels = [{ key: 'occasion', value: 'birthday' }];
  const asked = { ...toJunho, message: 'Happy birthday!', reference: 'junho-birthday', labels };
  const made = await record.done(CREATE, asked, keyed(MINJI, 'birthday'));
  const gift = { gift_id: textIn(made, 'gift', 'gift_id') };
  await record.done(`${SERVICE}/GetGift`, gift, by(JUNHO));
  await record.done(ACCEPT, gift, keyed(JUNHO, 'birthday-accept'));
  await record.done(DECLINE, await giftOf(record, MINJI, toJunho), keyed(JUNHO, 'gift-decline'));
  await record.done(CANCEL, await giftOf(record, MINJI, toJunho), keyed(MINJI, 'gift-cancel'));
  const accepted = { direction: 'GIFT_DIRECTION_RECEIVED', states: ['GIFT_STATE_ACCEPTED'] };
  await record.done(`${SERVICE}/ListGifts`, accepted, by(JUNHO));
}

async function giftOf(record: Recorder, user: number, request: Json): Promise<Json> {
  return { gift_id: textIn(await record.call(CREATE, request, keyed(user)), 'gift', 'gift_id') };
}

type Wanted = readonly [reason: string, rpc: string, request: Json, identity: Identity];

/** Of gifts. */
export async function ofGifts(record: Recorder, scene: Scene, stack: Stack): Promise<void> {
  const [open, accepted, declined, cancelled, expired] = [
    await giftOf(record, MINJI, toJunho),
    await giftOf(record, MINJI, toJunho),
    await giftOf(record, MINJI, toJunho),
    await giftOf(record, MINJI, toJunho),
    await giftOf(record, MINJI, toJunho),
  ];
  await record.call(ACCEPT, accepted, keyed(JUNHO));
  await record.call(DECLINE, declined, keyed(JUNHO));
  await record.call(CANCEL, cancelled, keyed(MINJI));
  await stack.db.query('UPDATE holds SET expires_at = created_at WHERE id = $1', [expired.gift_id]);
  const lira = { currency_code: 'TRY', minor_units: '1000' };
  const create = (reason: string, change: Json): Wanted => [
    reason,
    CREATE,
    { ...toJunho, ...change },
    keyed(MINJI),
  ];
  const ended = [
    ['GIFT_ACCEPTED', accepted],
    ['GIFT_DECLINED', declined],
    ['GIFT_CANCELLED', cancelled],
    ['GIFT_EXPIRED', expired],
    ['GIFT_NOT_FOUND', { gift_id: NO_ID }],
  ] as const;
  const wanted: readonly Wanted[] = [
    create('WALLET_NOT_FOUND', { wallet_id: NO_ID }),
    create('USER_NOT_FOUND', { credit_user_id: String(NOBODY) }),
    create('SELF_TRANSFER', { credit_user_id: String(MINJI) }),
    create('UNKNOWN_CURRENCY', { amount: lira }),
    create('CURRENCY_MISMATCH', { amount: dollars(1000) }),
    create('BALANCE_TOO_LOW', { amount: won(900_000_000) }),
    create('REFERENCE_REUSED', { reference: 'junho-birthday' }),
    ...ended.flatMap(([reason, gift]): Wanted[] => [
      [reason, ACCEPT, gift, keyed(JUNHO)],
      [reason, DECLINE, gift, keyed(JUNHO)],
      [reason, CANCEL, gift, keyed(MINJI)],
    ]),
    ['GIFT_FOR_RECEIVER', ACCEPT, open, keyed(MINJI)],
    ['GIFT_FOR_RECEIVER', DECLINE, open, keyed(MINJI)],
    ['GIFT_FOR_SENDER', CANCEL, open, keyed(JUNHO)],
    ['WALLET_NOT_FOUND', ACCEPT, { ...open, wallet_id: NO_ID }, keyed(JUNHO)],
    ['GIFT_NOT_FOUND', `${SERVICE}/GetGift`, { gift_id: NO_ID }, by(MINJI)],
  ];
  for (const [reason, rpc, asked, identity] of wanted) await record.refused(reason, rpc, asked, identity);
  const toMinji = { credit_user_id: String(MINJI), amount: won(1_000) };
  const intoDollars = { ...(await giftOf(record, JUNHO, toMinji)), wallet_id: scene.dollars };
  await record.refused('CURRENCY_MISMATCH', ACCEPT, intoDollars, keyed(MINJI));
}

/** A gift of the rich user, which is about to be filled. */
export function giftOfRich(record: Recorder): Promise<Json> {
  return giftOf(record, RICH, { ...toJunho, amount: won(1_000) });
}

/** The refusals of gifts for a wallet that is full; `ofRich` is one from that wallet. */
export async function giftsForFull(record: Recorder, ofRich: Json): Promise<void> {
  const toRich = await giftOf(record, MINJI, { credit_user_id: String(RICH), amount: won(1_000) });
  await record.refused('BALANCE_TOO_HIGH', ACCEPT, toRich, keyed(RICH));
  await record.refused('BALANCE_TOO_HIGH', DECLINE, ofRich, keyed(JUNHO));
  await record.refused('BALANCE_TOO_HIGH', CANCEL, ofRich, keyed(RICH));
}
