// Who acts in the examples, and what they begin with.
import type { Identity, Json } from '../../api-client.ts';
import type { Recorder } from './recorder.ts';

/** The users of the examples. */
export const [MINJI, JUNHO, SORA, HAEUN, RICH, SPENDER, FULL, NOBODY] = [
  1001, 1002, 1003, 1004, 1005, 1006, 1007, 9999,
];
/** The id of nothing. */
export const NO_ID = '00000000-0000-4000-8000-000000000000';
export const ROOM = 'hiking';

export const won = (amount: number) => ({ currency_code: 'KRW', minor_units: String(amount) });
export const dollars = (cents: number) => ({ currency_code: 'USD', minor_units: String(cents) });

export const by = (user: number): Identity => ({ userId: String(user) });

let keys = 0;
/** With an idempotency key: a given one where the page shows it, otherwise the next number. */
export const keyed = (user: number, key = `example-${++keys}`): Identity => ({
  ...by(user),
  idempotencyKey: key,
});
/** The same in the room, for wallet.v1. */
export const inRoom = (user: number, room = ROOM, key = `example-${++keys}`): Identity => ({
  ...keyed(user, key),
  roomId: room,
});

/** What the examples share: the ids of what was made. */
export interface Scene {
  /** The default wallet of each user. */
  readonly wallets: Map<number, string>;
  /** Minji's wallet in dollars. */
  dollars: string;
  /** The transfer of Minji to Junho. */
  lunch: string;
}

/** An object in an answer. */
export const part = (answer: Json, name: string) => answer[name] as Json;
/** A text in an object in an answer. */
export const textIn = (answer: Json, ...path: readonly string[]): string =>
  String(path.reduce<unknown>((value, name) => (value as Json)[name], answer));

/** The users with their default wallets, and Minji's profile and friends. */
export async function people(record: Recorder): Promise<Scene> {
  const service = 'wallet.v2.UserService';
  const names = ['Minji', 'Junho Lee', 'Sora Park', 'Haeun Choi', 'Rich', 'Spender', 'Full'];
  const users = [MINJI, JUNHO, SORA, HAEUN, RICH, SPENDER, FULL];
  const wallets = new Map<number, string>();
  for (const [index, user] of users.entries()) {
    const request = { user_id: String(user), display_name: names[index] ?? '' };
    if (user === MINJI) await record.done(`${service}/CreateUser`, request, {});
    else await record.call(`${service}/CreateUser`, request, {});
    const list = ['wallet.v2.WalletService/ListWallets', {}, by(user)] as const;
    const { wallets: found } = user === MINJI ? await record.done(...list) : await record.call(...list);
    wallets.set(user, textIn((found as Json[])[0] ?? {}, 'wallet_id'));
  }
  const minji = { user_id: String(MINJI) };
  await record.done(`${service}/UpdateUser`, { ...minji, display_name: 'Minji Kim' }, by(MINJI));
  await record.done(`${service}/GetUser`, { user_id: String(JUNHO) }, by(MINJI));
  await record.done(`${service}/AddFriend`, { ...minji, friend_user_id: String(JUNHO) }, by(MINJI));
  const incoming = { user_id: String(JUNHO), direction: 'FRIEND_REQUEST_DIRECTION_INCOMING' };
  await record.done(`${service}/ListFriendRequests`, incoming, by(JUNHO));
  const back = { user_id: String(JUNHO), friend_user_id: String(MINJI) };
  await record.call(`${service}/AddFriend`, back, by(JUNHO));
  await record.done(`${service}/ListFriends`, { ...minji, page_size: 10 }, by(MINJI));
  await record.call(`${service}/AddFriend`, { ...minji, friend_user_id: String(SORA) }, by(MINJI));
  await record.done(`${service}/RemoveFriend`, { ...minji, friend_user_id: String(SORA) }, by(MINJI));
  return { wallets, dollars: '', lunch: '' };
}

/** The room and its members. */
export async function rooms(record: Recorder): Promise<void> {
  const service = 'wallet.v2.RoomService';
  const room = { room_id: ROOM };
  await record.done(`${service}/CreateRoom`, { ...room, display_name: 'Hiking' }, by(MINJI));
  await record.done(`${service}/UpdateRoom`, { ...room, display_name: 'Hiking on Sunday' }, by(MINJI));
  await record.done(`${service}/AddMember`, { ...room, user_id: String(JUNHO) }, by(MINJI));
  for (const user of [SORA, HAEUN, RICH]) {
    await record.call(`${service}/AddMember`, { ...room, user_id: String(user) }, by(MINJI));
  }
  await record.done(`${service}/GetRoom`, room, by(JUNHO));
  await record.done(`${service}/ListMembers`, { ...room, page_size: 2 }, by(JUNHO));
  await record.done(`${service}/RemoveMember`, { ...room, user_id: String(SORA) }, by(MINJI));
}
