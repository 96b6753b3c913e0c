// Every RPC that moves money as a call that succeeds while nothing forbids it: the rows of tables of what forbids it.
import assert from 'node:assert/strict';
import { actingAs, uniqueUsers, withKey, won } from '../api.ts';
import type { Answer, Json } from '../api-client.ts';
import type { Stack } from '../stack.ts';

/** RPCs that change something, and move no money by it. */
export const MOVE_NO_MONEY: readonly RegExp[] = [
  /^admin\.v1\.(?:ApiKey|Job|Limit|Recovery|Webhook)Service\//,
  /^admin\.v1\.AccountService\/(?:Freeze|Unfreeze|CloseWallet|ReopenWallet)$/,
  /^wallet\.v[12]\.(?:User|Room)Service\//,
  /^wallet\.v2\.WalletService\/(?:CreateWallet|UpdateWallet|CloseWallet)$/,
  /^wallet\.v2\.TransferService\/GetOutcome$/,
  /^wallet\.v2\.WebhookService\//,
  /^wallet\.v2\.PayoutService\/(?:CreatePayout|AddPayoutLines)$/,
];

/** Two users with money, and everything that their calls need. */
export interface World {
  readonly stack: Stack;
  /** Who makes the calls, unless a row says otherwise. */
  readonly actor: number;
  /** Who is on the other side. */
  readonly other: number;
  readonly wallet: string;
  readonly otherWallet: string;
  readonly roomId: string;
  /** Of sprinkles that neither of them made, one for each version. */
  readonly tokens: readonly [v1: string, v2: string];
  /** A sprinkle of the actor. */
  readonly ownSprinkle: string;
  /** A transfer that the actor received from the other. */
  readonly received: string;
  /** A transfer that the other received from the actor. */
  readonly reversed: string;
  /** Holds of the actor that name nobody. */
  readonly openHolds: readonly [captured: string, voided: string];
  /** A hold of the actor that names the other, and one the other way round. */
  readonly promised: string;
  readonly promisedToActor: string;
  /** Gifts of the actor, and gifts to the actor. */
  readonly gifts: readonly [accepted: string, cancelled: string];
  readonly giftsToActor: readonly [accepted: string, declined: string];
  /** Payouts of the actor: one that was not started, and one that was. */
  readonly draft: string;
  readonly running: string;
}

/** A row: its name, its RPC, and the call. */
export interface MoneyRpc {
  readonly name: string;
  readonly rpc: string;
  call(world: World): Promise<Answer>;
}

const V1 = 'wallet.v1';
const V2 = 'wallet.v2';

function row(rpc: string, requestOf: (world: World) => Json, more: Partial<Row> = {}): MoneyRpc {
  const { variant, by = ({ actor }) => actor, inRoom = false } = more;
  return {
    name: variant ? `${rpc}, ${variant}` : rpc,
    rpc,
    call: (world) =>
      world.stack.grpc.call(rpc, requestOf(world), {
        ...withKey(by(world)),
        ...(inRoom && { roomId: world.roomId }),
      }),
  };
}

interface Row {
  readonly variant: string;
  readonly by: (world: World) => number;
  readonly inRoom: boolean;
}

const transferOf = ({ wallet, otherWallet }: Pick<World, 'wallet' | 'otherWallet'>) => ({
  debit_wallet_id: wallet,
  credit_wallet_id: otherWallet,
  amount: won(10),
});

/** The rows. Each takes little, so that any of them may come after any other. */
export const MONEY_RPCS: readonly MoneyRpc[] = [
  row(`${V1}.WalletService/Charge`, () => ({ amount: 10 })),
  row(`${V1}.WalletService/Transfer`, ({ other }) => ({ to_user_id: other, amount: 10 })),
  row(`${V1}.SprinkleService/CreateSprinkle`, () => ({ amount: 10, headcount: 2 }), { inRoom: true }),
  row(`${V1}.SprinkleService/ClaimSprinkle`, ({ tokens: [token] }) => ({ token }), { inRoom: true }),
  row(`${V2}.TransferService/Deposit`, ({ wallet }) => ({ wallet_id: wallet, amount: won(10) })),
  row(`${V2}.TransferService/Withdraw`, ({ wallet }) => ({ wallet_id: wallet, amount: won(10) })),
  row(`${V2}.TransferService/CreateTransfer`, transferOf),
  row(`${V2}.TransferService/BatchCreateTransfers`, (world) => ({
    mode: 'BATCH_MODE_ALL_OR_NOTHING',
    items: [transferOf(world)],
  })),
  row(`${V2}.TransferService/RefundTransfer`, ({ received }) => ({ transfer_id: received, amount: won(10) })),
  row(`${V2}.HoldService/CreateHold`, ({ wallet, otherWallet }) => ({
    wallet_id: wallet,
    credit_wallet_id: otherWallet,
    amount: won(10),
  })),
  row(
    `${V2}.HoldService/CaptureHold`,
    ({ openHolds: [hold_id], otherWallet }) => ({ hold_id, amount: won(10), credit_wallet_id: otherWallet }),
    { variant: 'by the holder, who names who is paid' },
  ),
  row(`${V2}.HoldService/CaptureHold`, ({ promised: hold_id }) => ({ hold_id, amount: won(10) }), {
    variant: 'by the other, who was named',
    by: ({ other }) => other,
  }),
  row(`${V2}.HoldService/CaptureHold`, ({ promisedToActor: hold_id }) => ({ hold_id, amount: won(10) }), {
    variant: 'by the actor, who was named',
  }),
  row(`${V2}.HoldService/VoidHold`, ({ openHolds: [, hold_id] }) => ({ hold_id })),
  row(`${V2}.GiftService/CreateGift`, ({ wallet, other }) => ({
    wallet_id: wallet,
    credit_user_id: String(other),
    amount: won(10),
  })),
  row(`${V2}.GiftService/AcceptGift`, ({ giftsToActor: [gift_id] }) => ({ gift_id })),
  row(`${V2}.GiftService/AcceptGift`, ({ gifts: [gift_id] }) => ({ gift_id }), {
    variant: 'by the other',
    by: ({ other }) => other,
  }),
  row(`${V2}.GiftService/DeclineGift`, ({ giftsToActor: [, gift_id] }) => ({ gift_id })),
  row(`${V2}.GiftService/CancelGift`, ({ gifts: [, gift_id] }) => ({ gift_id })),
  row(
    `${V2}.SprinkleService/CreateSprinkle`,
    ({ wallet, roomId }) => ({ wallet_id: wallet, room_id: roomId, amount: won(10), headcount: 2 }),
    {},
  ),
  row(`${V2}.SprinkleService/ClaimSprinkle`, ({ roomId, tokens: [, token], wallet }) => ({
    room_id: roomId,
    token,
    wallet_id: wallet,
  })),
  row(`${V2}.SprinkleService/CancelSprinkle`, ({ roomId, ownSprinkle }) => ({
    room_id: roomId,
    sprinkle_id: ownSprinkle,
  })),
  row(`${V2}.PayoutService/StartPayout`, ({ draft }) => ({ payout_id: draft, line_count: 1 })),
  row('admin.v1.AccountService/ReverseTransfer', ({ reversed }) => ({
    transfer_id: reversed,
    amount: won(10),
    reason: 'a test',
  })),
  row(`${V2}.PayoutService/CancelPayout`, ({ running }) => ({ payout_id: running })),
];

/** Makes the users, and everything that their calls need. */
export async function makeWorld(stack: Stack): Promise<World> {
  const [actor = 0, other = 0, third = 0] = uniqueUsers(3);
  await stack.addUsers([actor, other, third]);
  await stack.fund([actor, other, third], 100_000);
  const roomId = `money-${actor}`;
  await stack.addRoom(roomId, [actor, other, third]);
  const [wallet, otherWallet] = [
    await stack.as(actor).defaultWallet(),
    await stack.as(other).defaultWallet(),
  ];
  const call = async (user: number, rpc: string, request: Json, roomOf = {}): Promise<Answer> => {
    const answer = await stack.grpc.call(rpc, request, { ...withKey(user), ...roomOf });
    assert.equal(answer.status, 0, `${rpc}: ${answer.reason}`);
    return answer;
  };
  const sprinkle = async () =>
    String(
      (
        await call(third, `${V1}.SprinkleService/CreateSprinkle`, { amount: 100, headcount: 2 }, { roomId })
      ).at('token'),
    );
  const own = await call(actor, `${V2}.SprinkleService/CreateSprinkle`, {
    ...{ room_id: roomId, wallet_id: wallet, amount: won(10), headcount: 2 },
  });
  const hold = async (user: number, wallet_id: string, to: Json = {}) =>
    String(
      (await call(user, `${V2}.HoldService/CreateHold`, { wallet_id, amount: won(1000), ...to })).at(
        'hold',
        'hold_id',
      ),
    );
  const payout = () => draftOf(stack, actor, wallet, other);
  const gift = async (from: number, wallet_id: string, to: number) =>
    String(
      (
        await call(from, `${V2}.GiftService/CreateGift`, {
          wallet_id,
          credit_user_id: String(to),
          amount: won(10),
        })
      ).at('gift', 'gift_id'),
    );
  const received = await call(other, `${V2}.TransferService/CreateTransfer`, {
    debit_wallet_id: otherWallet,
    credit_wallet_id: wallet,
    amount: won(500),
  });
  const [draft, running] = [await payout(), await payout()];
  await call(actor, `${V2}.PayoutService/StartPayout`, { payout_id: running, line_count: 1 });
  return {
    ...{ stack, actor, other, wallet, otherWallet, roomId, draft, running },
    tokens: [await sprinkle(), await sprinkle()],
    ownSprinkle: String(own.at('sprinkle', 'sprinkle_id')),
    received: String(received.at('transfer', 'transfer_id')),
    reversed: String(
      (await call(actor, `${V2}.TransferService/CreateTransfer`, transferOf({ wallet, otherWallet }))).at(
        'transfer',
        'transfer_id',
      ),
    ),
    openHolds: [await hold(actor, wallet), await hold(actor, wallet)],
    gifts: [await gift(actor, wallet, other), await gift(actor, wallet, other)],
    giftsToActor: [await gift(other, otherWallet, actor), await gift(other, otherWallet, actor)],
    promised: await hold(actor, wallet, { credit_wallet_id: otherWallet }),
    promisedToActor: await hold(other, otherWallet, { credit_wallet_id: wallet }),
  };
}

/** A payout of one line that was not started. */
async function draftOf(stack: Stack, actor: number, wallet_id: string, payee: number): Promise<string> {
  const draft = { wallet_id, mode: 'PAYOUT_MODE_EACH' };
  const made = await stack.grpc.call(`${V2}.PayoutService/CreatePayout`, draft, withKey(actor));
  const payout_id = String(made.at('payout', 'payout_id'));
  const lines = [{ user_id: String(payee), amount: won(10) }];
  const request = { payout_id, first_line: 1, lines };
  const added = await stack.grpc.call(`${V2}.PayoutService/AddPayoutLines`, request, actingAs(actor));
  assert.equal(added.status, 0, added.reason);
  return payout_id;
}
