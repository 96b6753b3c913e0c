// A table: every RPC that moves money against every limit of those who take part, reached.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MONEY_RPCS, makeWorld, type World } from '../accounts/money-rpcs.ts';
import type { Json } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';

let stack: Stack;
before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

const OWN = ['call', 'day_out', 'month_out', 'day_count', 'day_in', 'month_in', 'held'] as const;
type Kind = (typeof OWN)[number];
/** The columns: whose limit is at 0, and which. */
const COLUMNS = [...OWN, ...OWN.map((kind) => `the other: ${kind}` as const)];
type Column = (typeof COLUMNS)[number];

const cells = (reason: string, ...columns: Column[]) =>
  Object.fromEntries(columns.map((column) => [column, reason]));
const EXCEEDED = 'LIMIT_EXCEEDED';
/** Money leaves the actor, for a pot or for outside. */
const PAYS = cells(EXCEEDED, 'call', 'day_out', 'month_out', 'day_count');
/** The actor lets money come in. */
const RECEIVES = {
  ...cells(EXCEEDED, 'call', 'day_in', 'month_in'),
  ...cells('HOLDING_LIMIT_REACHED', 'held'),
};
/** It goes to the other: the actor is not told why not, and how much comes with one call is not for the other to choose. */
const REACHES_OTHER = cells(
  'RECEIVER_LIMIT_REACHED',
  'the other: day_in',
  'the other: month_in',
  'the other: held',
);
/** The other lets it come in. */
const OTHER_RECEIVES = {
  ...cells(EXCEEDED, 'the other: call', 'the other: day_in', 'the other: month_in'),
  ...cells('HOLDING_LIMIT_REACHED', 'the other: held'),
};
/** Returns and refunds are never refused. */
const NEVER = {};

const REFUSED_AT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'wallet.v1.WalletService/Charge': RECEIVES,
  'wallet.v1.WalletService/Transfer': { ...PAYS, ...REACHES_OTHER },
  'wallet.v1.SprinkleService/CreateSprinkle': PAYS,
  'wallet.v1.SprinkleService/ClaimSprinkle': RECEIVES,
  'wallet.v2.TransferService/Deposit': RECEIVES,
  'wallet.v2.TransferService/Withdraw': PAYS,
  'wallet.v2.TransferService/CreateTransfer': { ...PAYS, ...REACHES_OTHER },
  'wallet.v2.TransferService/BatchCreateTransfers': { ...PAYS, ...REACHES_OTHER },
  'wallet.v2.TransferService/RefundTransfer': NEVER,
  'wallet.v2.HoldService/CreateHold': PAYS,
  'wallet.v2.HoldService/CaptureHold, by the holder, who names who is paid': REACHES_OTHER,
  'wallet.v2.HoldService/CaptureHold, by the other, who was named': OTHER_RECEIVES,
  'wallet.v2.HoldService/CaptureHold, by the actor, who was named': RECEIVES,
  'wallet.v2.HoldService/VoidHold': NEVER,
  'wallet.v2.GiftService/CreateGift': PAYS,
  'wallet.v2.GiftService/AcceptGift': RECEIVES,
  'wallet.v2.GiftService/AcceptGift, by the other': OTHER_RECEIVES,
  'wallet.v2.GiftService/DeclineGift': NEVER,
  'wallet.v2.GiftService/CancelGift': NEVER,
  'wallet.v2.SprinkleService/CreateSprinkle': PAYS,
  'wallet.v2.SprinkleService/ClaimSprinkle': RECEIVES,
  'wallet.v2.SprinkleService/CancelSprinkle': NEVER,
  'wallet.v2.PayoutService/StartPayout': PAYS,
  'wallet.v2.PayoutService/CancelPayout': NEVER,
  'admin.v1.AccountService/ReverseTransfer': NEVER,
};

async function admin(rpc: string, request: Json): Promise<void> {
  const answer = await stack.grpc.call(`admin.v1.LimitService/${rpc}`, request);
  assert.equal(answer.status, 0, answer.reason);
}

/** Lets one limit of the actor, or of the other, allow nothing. */
async function allowNothing({ actor, other }: World, column: Column): Promise<void> {
  await admin('SetTier', { user_id: String(actor), tier: 'minor' });
  await admin('SetTier', { user_id: String(other), tier: 'business' });
  const [whose, kind] = column.startsWith('the other: ')
    ? ['business', column.slice('the other: '.length) as Kind]
    : ['minor', column as Kind];
  await admin('PutPolicy', { policy: { tier: whose, currency_code: 'KRW', [kind]: '0' } });
}

test('every row of the table is a call that moves money, and each such call has one', () => {
  assert.deepEqual(
    MONEY_RPCS.map(({ name }) => name).filter((name) => !REFUSED_AT[name]),
    [],
  );
});

describe('at 0:', () => {
  for (const column of COLUMNS) {
    test(column, async () => {
      const world = await makeWorld(stack);
      await allowNothing(world, column);
      const [found, expected]: Record<string, string>[] = [{}, {}];
      for (const { name, call } of MONEY_RPCS) {
        Object.assign(found ?? {}, { [name]: (await call(world)).reason });
        Object.assign(expected ?? {}, { [name]: REFUSED_AT[name]?.[column] ?? '' });
      }
      for (const tier of ['minor', 'business'])
        await stack.grpc.call('admin.v1.LimitService/DeletePolicy', { tier, currency_code: 'KRW' });
      assert.deepEqual(found, expected);
    });
  }
});
